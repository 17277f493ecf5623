// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_client.hpp"

#include <atomic>
#include <optional>
#include <utility>

#include "redis/blocking_connection.hpp"
#include "redis/reply_check.hpp"

namespace headroom::redis {

struct blocking_client::state {
    explicit state(client_options given)
        : options(std::move(given)),
          opener(to_dial_options(options)),
          pool({options.kind, options.bounds, options.connect_timeout}, opener) {}

    [[nodiscard]] result<std::vector<value>> run(std::span<const command> what, call how);

    const client_options options;
    blocking_connector opener;
    pool::blocking_pool pool;
    std::atomic<bool> is_closing{false};
};

namespace {

// With the outcomes of the asynchronous client: nothing was sent when there was no connection.
error as_redis_error(error from_pool, std::optional<redis_errc> rejection) {
    auto code = redis_errc::not_sent;
    if (from_pool.code == pool::pool_errc::closed) code = redis_errc::closed;
    if (from_pool.code == pool::pool_errc::open_failed && rejection) code = *rejection;
    return {code, std::move(from_pool.detail)};
}

std::optional<error> refuse(const command& what, bool is_alone) {
    const auto effect = effect_of(what);
    const bool lasts = effect == command_effect::session || effect == command_effect::transaction;
    if (effect != command_effect::pairing && !(is_alone && lasts)) return std::nullopt;
    auto detail = std::string(what.name()) + " " + std::string(describe(effect));
    if (lasts)
        detail += ": a call has its connection for itself only while it lasts; use pipeline()";
    return error{redis_errc::not_allowed, std::move(detail)};
}

}  // namespace

result<std::vector<value>> blocking_client::state::run(std::span<const command> what, call how) {
    for (const auto& each : what) {
        if (auto refusal = refuse(each, what.size() == 1)) {
            return std::unexpected(std::move(*refusal));
        }
    }
    if (is_closing) return failure(redis_errc::closed, options.kind);
    if (how.by <= clock::now()) {
        return failure(redis_errc::not_sent, "its deadline had passed before it began");
    }
    if (what.empty()) return std::vector<value>{};

    auto held = pool.acquire(how.owner, how.by);
    if (!held) return std::unexpected(as_redis_error(std::move(held.error()), opener.rejection()));
    auto& conn = held->as<blocking_connection>();
    held->mark_in_use();
    auto replies = conn.exchange(what, how.by);
    if (!replies) return replies;
    for (std::size_t i = 0; i < what.size(); ++i)
        conn.session().on_reply(what[i], (*replies)[i]);
    if (conn.session().is_clean()) held->mark_reusable();
    return replies;
}

blocking_client::blocking_client(client_options options)
    : state_(std::make_unique<state>(std::move(options))) {}

blocking_client::~blocking_client() = default;

pool::owner_id blocking_client::owner(std::string_view name) {
    return state_->pool.owner(name);
}

result<value> blocking_client::execute(const command& what, call how) {
    auto replies = state_->run({&what, 1}, how);
    if (!replies) return std::unexpected(std::move(replies.error()));
    return check_reply(std::move(replies->front()), state_->options.form, what);
}

result<std::vector<value>> blocking_client::pipeline(const std::vector<command>& what, call how) {
    auto replies = state_->run(what, how);
    if (!replies) return replies;
    return check_replies(std::move(*replies), state_->options.form);
}

result<void> blocking_client::close(deadline by) {
    state_->is_closing = true;
    return state_->pool.drain(by);
}

pool::pool_stats blocking_client::stats() const {
    return state_->pool.stats();
}

std::vector<pool::owner_usage> blocking_client::owners() const {
    return state_->pool.owners();
}

const client_options& blocking_client::options() const {
    return state_->options;
}

}  // namespace headroom::redis
