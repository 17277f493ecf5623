// SPDX-License-Identifier: Apache-2.0
#include "redis/primary_connector.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <variant>

#include "redis/core/role_check.hpp"
#include "redis/exchange.hpp"
#include "redis/sentinel_locator.hpp"

namespace headroom::redis {

namespace asio = boost::asio;
using opened_connection = result<std::unique_ptr<pool::connection>>;

namespace {

std::shared_ptr<primary_locator> locator_of(const client_options& options,
                                            const wire_group& group) {
    if (!options.server.sentinel) return nullptr;
    if (options.locator) return options.locator;
    return std::make_shared<sentinel_locator>(
        group.executor(), sentinel_locator_options{.where = *options.server.sentinel,
                                                   .tls = options.server.tls,
                                                   .identity = options.identity,
                                                   .stays_connected = false,
                                                   .seed = options.bounds.seed});
}

// The dial's own end, and its reason, come first.
constexpr auto move_wait_margin = std::chrono::seconds(2);

asio::awaitable<opened_connection> open_by(std::shared_ptr<connector> at, deadline by) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await at->open(by);
}

}  // namespace

primary_connector::primary_connector(const client_options& options,
                                     std::shared_ptr<wire_group> group)
    : dial_(to_dial_options(options)),
      group_(std::move(group)),
      locator_(locator_of(options, *group_)) {
    if (!locator_) at_ = std::make_shared<redis::connector>(dial_, group_);
}

std::shared_ptr<redis::connector> primary_connector::connector_to(const host_and_port& where) {
    if (at_ && where_ == where) return at_;
    auto dial = dial_;
    dial.server = at_address(dial_.server, where);
    at_ = std::make_shared<redis::connector>(std::move(dial), group_);
    where_ = where;
    return at_;
}

asio::awaitable<opened_connection> primary_connector::open(deadline by) {
    if (!locator_) co_return co_await at_->open(by);
    const auto locator = locator_;
    const auto where = co_await locator->primary(by);
    if (!where) co_return std::unexpected(where.error());
    auto opened = co_await dial(*where, by);
    if (!opened) {
        locator->on_dial_ended(*where, primary_locator::dial_end::unreachable);
        co_return opened;
    }
    const auto link = static_cast<connection&>(**opened).link();
    const auto role = co_await ask_role(link, by);
    if (!role) {
        locator->on_dial_ended(*where, primary_locator::dial_end::unreachable);
        co_return failure(redis_errc::connect_failed,
                          to_string(*where) + ": ROLE: " + role.error().what());
    }
    const auto verdict = check_role(*role);
    locator->on_dial_ended(*where, verdict.end);
    if (!verdict.refusal.empty()) {
        const auto code =
            verdict.is_about_rights ? redis_errc::auth_failed : redis_errc::connect_failed;
        co_return failure(code, to_string(*where) + " " + verdict.refusal);
    }
    // The switch may have been announced while this was dialled.
    if (locator->has_moved_from(*where)) {
        co_return failure(redis_errc::connect_failed,
                          to_string(*where) + " is the primary no more: it was replaced meanwhile");
    }
    co_return opened;
}

// A stopped server accepts and says nothing: once another one is the primary, its answer is of no
// use, and its place is needed for the other's.
asio::awaitable<opened_connection> primary_connector::dial(host_and_port where, deadline by) {
    using asio::experimental::awaitable_operators::operator||;
    const auto locator = locator_;
    const auto at = connector_to(where);
    auto first =
        co_await (open_by(at, by) || locator->wait_for_move_from(where, by + move_wait_margin));
    if (auto* opened = std::get_if<opened_connection>(&first)) co_return std::move(*opened);
    co_return failure(redis_errc::connect_failed,
                      to_string(where) + " is the primary no more: it was replaced meanwhile");
}

asio::awaitable<result<value>> primary_connector::ask_role(std::shared_ptr<wire> link,
                                                           deadline by) {
    const command question("ROLE");
    value role;
    exchange x({&question, 1}, &role, by);
    co_await submission{x, *link};
    if (x.failure) co_return std::unexpected(std::move(*x.failure));
    co_return role;
}

pool::open_failure primary_connector::classify(const error& why) const noexcept {
    return classify_dial_error(why);
}

}  // namespace headroom::redis
