// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_primary_connector.hpp"

#include <array>
#include <utility>

#include "redis/core/role_check.hpp"

namespace headroom::redis {

blocking_primary_connector::blocking_primary_connector(const client_options& options)
    : dial_(to_dial_options(options)), locator_(options.locator) {
    if (!dial_.server.sentinel) {
        fixed_.emplace(dial_);
    } else if (!locator_) {
        inquiry_.emplace(dial_.server, format_client_name(options.identity, pool_kind::sentinel));
    }
}

result<std::unique_ptr<pool::blocking_connection>> blocking_primary_connector::open(deadline by) {
    auto opened = fixed_ ? fixed_->open(by) : open_primary(by);
    const bool is_rejected = !opened && classify(opened.error()) == pool::open_failure::permanent;
    rejection_ = is_rejected ? opened.error().code.value() : 0;
    return opened;
}

result<std::unique_ptr<pool::blocking_connection>> blocking_primary_connector::open_primary(
    deadline by) {
    const auto where = primary(by);
    if (!where) return std::unexpected(where.error());
    auto dial = dial_;
    dial.server = at_address(dial_.server, *where);
    auto opened = redis::blocking_connector(std::move(dial)).open(by);
    if (!opened) {
        on_dial_ended(*where, primary_locator::dial_end::unreachable);
        return opened;
    }
    const std::array question{command("ROLE")};
    const auto role = static_cast<blocking_connection&>(**opened).exchange(question, by);
    if (!role) {
        on_dial_ended(*where, primary_locator::dial_end::unreachable);
        return failure(redis_errc::connect_failed,
                       to_string(*where) + ": ROLE: " + role.error().what());
    }
    const auto verdict = check_role(role->front());
    on_dial_ended(*where, verdict.end);
    if (!verdict.refusal.empty()) {
        return failure(
            verdict.is_about_rights ? redis_errc::auth_failed : redis_errc::connect_failed,
            to_string(*where) + " " + verdict.refusal);
    }
    if (locator_ && locator_->has_moved_from(*where)) {
        return failure(redis_errc::connect_failed,
                       to_string(*where) + " is the primary no more: it was replaced meanwhile");
    }
    return opened;
}

result<host_and_port> blocking_primary_connector::primary(deadline by) {
    return locator_ ? locator_->wait_for_primary(by) : inquiry_->primary(by);
}

void blocking_primary_connector::on_dial_ended(const host_and_port& where,
                                               primary_locator::dial_end how) {
    if (locator_) return locator_->on_dial_ended(where, how);
    inquiry_->on_dial_ended(where, how);
}

pool::open_failure blocking_primary_connector::classify(const error& why) const noexcept {
    return classify_dial_error(why);
}

error blocking_primary_connector::explain(error from_pool) const {
    auto code = redis_errc::not_sent;
    const int rejection = rejection_;
    if (from_pool.code == pool::pool_errc::closed) code = redis_errc::closed;
    if (from_pool.code == pool::pool_errc::open_failed && rejection != 0) {
        code = static_cast<redis_errc>(rejection);
    }
    return {code, std::move(from_pool.detail)};
}

}  // namespace headroom::redis
