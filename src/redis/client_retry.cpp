// SPDX-License-Identifier: Apache-2.0
// What a client does when the first try on the lane was not the last: leases taken for one call,
// and tries after failures. When to try again is decided in core/retry_policy.
#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/deadline.hpp"
#include "redis/client.hpp"
#include "redis/client_state.hpp"
#include "redis/core/command_traits.hpp"
#include "redis/core/server_reactions.hpp"
#include "redis/reply_check.hpp"
#include "redis/typed_call.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

constexpr auto replacement_interval = std::chrono::seconds(1);

ended_try to_ended_try(const error& why, bool on_lease) {
    // The lane moves by itself what was not sent, and gives back what it could bring nowhere.
    const bool is_lost =
        why.code == redis_errc::unknown || (why.code == redis_errc::not_sent && on_lease);
    return {outcome_of(why.code), why.detail, is_lost};
}

// A pool that gave no connection: nothing was sent.
error to_redis_error(error from_pool, const std::optional<error>& last_open_error) {
    if (from_pool.code == pool::pool_errc::open_failed && last_open_error) return *last_open_error;
    auto code = redis_errc::not_sent;
    if (from_pool.code == pool::pool_errc::closed) code = redis_errc::closed;
    if (from_pool.code == pool::pool_errc::queue_full) code = redis_errc::queue_full;
    return {code, std::move(from_pool.detail)};
}

}  // namespace

void client::state::replace_connections(clock::time_point now) {
    if (replaced_at && *replaced_at > now - replacement_interval) return;
    replaced_at = now;
    pool.replace_connections();
    lane.replace_connections();
}

void client::state::react_to(std::span<const value> replies) {
    const bool is_needed = std::ranges::any_of(replies, [](const value& each) {
        return each.is_error() && condemns_connection(each.text);
    });
    if (is_needed) replace_connections(clock::now());
}

bool client::state::has_room_for_leases() const {
    const auto others = options.has_subscriber ? 2U : 1U;
    return !options.bounds.cap || *options.bounds.cap > others;
}

bool client::state::wants_lease(std::span<const command> what) const {
    if (!has_room_for_leases()) return false;
    if (what.size() > options.pipeline_commands_max_on_lane) return true;
    std::size_t bytes = 0;
    for (const auto& each : what)
        bytes += each.encoded_size();
    return bytes > options.pipeline_bytes_max_on_lane;
}

asio::awaitable<std::optional<error>> client::run_on_lease(state_handle of, const request& what,
                                                           call how) {
    auto held = co_await (*of)->pool.acquire(how.owner, how.by);
    if (*of == nullptr) co_return error{redis_errc::closed, "the client was destroyed"};
    if (!held) {
        co_return to_redis_error(std::move(held.error()), (*of)->pool.last_open_error());
    }
    exclusive_connection mine(std::move(*held), reply_form::bytes);
    co_return co_await mine.exchange_into(what.replies, what.commands, how.by);
}

asio::awaitable<std::optional<error>> client::run_alone(state_handle of, const request& what,
                                                        call how) {
    for (const auto& each : what.commands) {
        if (auto why = explain_block_time(each, clock::now(), how.by))
            co_return error{redis_errc::not_sent, std::move(*why)};
    }
    auto why = co_await run_on_lease(of, what, how);
    if (!why) why = refusal_of({what.replies, what.commands.size()});
    if (!why) co_return std::nullopt;
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return why;
    co_return co_await try_again(of, what, how, std::move(*why));
}

asio::awaitable<std::optional<error>> client::run_once(state_handle of, const request& what,
                                                       call how) {
    const std::span replies(what.replies, what.commands.size());
    std::ranges::fill(replies, value{});
    if (what.on_lease) {
        auto failed = co_await run_on_lease(of, what, how);
        co_return failed ? failed : refusal_of(replies);
    }
    exchange x(what.commands, what.replies, how.by);
    x.visitor = what.visitor;
    co_await submission{x, (*of)->lane};
    co_return x.failure ? std::move(x.failure) : refusal_of(replies);
}

asio::awaitable<void> client::execute_alone(const state_handle& of, const command& what,
                                            const call& how, result<value>& reply) {
    const auto form = (*of)->options.form;
    const request mine{
        .commands = {&what, 1},
        .replies = &*reply,
        .on_lease = effect_of(what) == command_effect::blocks || (*of)->has_room_for_leases()};
    std::optional<error> failed;
    if (mine.on_lease) {
        failed = co_await run_alone(of, mine, how);
    } else {
        failed = co_await run_once(of, mine, how);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (failed && cancellation.cancelled() == asio::cancellation_type::none)
            failed = co_await try_again(of, mine, how, std::move(*failed));
    }
    if (failed) {
        reply = std::unexpected(std::move(*failed));
    } else {
        reply = check_reply(std::move(*reply), form, what);
    }
}

asio::awaitable<void> client::settle(const state_handle& of, const command& what, const call& how,
                                     std::optional<error>& failed, result<value>& reply) {
    if (!failed) failed = to_server_error(std::move(*reply));
    const auto form = *of != nullptr ? (*of)->options.form : reply_form::bytes;
    const request mine{.commands = {&what, 1}, .replies = &*reply};
    failed = co_await try_again(of, mine, how, std::move(*failed));
    if (failed) {
        reply = std::unexpected(std::move(*failed));
    } else {
        reply = check_reply(std::move(*reply), form, what);
    }
}

asio::awaitable<std::optional<error>> client::try_again(state_handle of, const request& what,
                                                        call how, error why) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    const auto is_over = [&of, &cancellation] {
        return *of == nullptr || (*of)->is_closing ||
               cancellation.cancelled() != asio::cancellation_type::none;
    };
    const retry_rules none{.refusals = false, .reads = false};
    retry_policy policy(how.may_retry && *of != nullptr ? (*of)->options.retries : none,
                        side_effect_of(what.commands),
                        static_cast<std::uint64_t>(clock::now().time_since_epoch().count()) ^
                            reinterpret_cast<std::uintptr_t>(&what));
    bool may_have_run = false;
    while (!is_over()) {
        const auto now = clock::now();
        if (condemns_connection(why.detail)) (*of)->replace_connections(now);
        may_have_run |= outcome_of(why.code) == outcome::unknown;
        const auto next = policy.next_after(to_ended_try(why, what.on_lease), now, how.by);
        if (!next) break;
        if (*next > now) co_await net::sleep_until(*next);
        if (is_over()) break;
        auto failed = co_await run_once(of, what, how);
        if (!failed) co_return std::nullopt;
        why = std::move(*failed);
    }
    why.detail = policy.tell_tries(std::move(why.detail));
    // That a later try was not sent takes nothing back of the first.
    if (may_have_run && outcome_of(why.code) != outcome::unknown) why.code = redis_errc::unknown;
    co_return std::move(why);
}

}  // namespace headroom::redis
