// SPDX-License-Identifier: Apache-2.0
#include "redis/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/smart_ptr/make_local_shared.hpp>
#include <utility>

#include "redis/client_state.hpp"
#include "redis/core/command_traits.hpp"
#include "redis/core/server_reactions.hpp"
#include "redis/reply_check.hpp"
#include "redis/typed_call.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

constexpr auto dial_end_time_max = std::chrono::milliseconds(50);

lane_limits limits_of_lane(const client_options& options) {
    lane_limits limits;
    limits.commands_max = options.lane_commands_max;
    limits.bytes_max = options.lane_bytes_max;
    limits.growth_timeout = options.connect_timeout;
    limits.shrink_interval = options.lane_shrink_interval;
    limits.connections_max = std::max(options.lane_connections_max, 1U);
    if (options.bounds.cap) {
        // One is left for leases, and one for the subscriber, as far as the cap allows.
        const auto cap = *options.bounds.cap;
        const auto others = options.has_subscriber ? 2U : 1U;
        const auto left = cap > others ? cap - others : 1U;
        limits.connections_max = std::min(limits.connections_max, left);
    }
    return limits;
}

std::unexpected<error> not_allowed(const command& what) {
    return failure(redis_errc::not_allowed, explain_not_allowed(what));
}

// Of the first that may not share a connection.
std::optional<error> refuse_on_lane(std::span<const command> what) {
    for (const auto& each : what) {
        if (effect_of(each) != command_effect::none) return not_allowed(each).error();
    }
    return std::nullopt;
}

// Nothing was begun.
std::unexpected<error> too_late(bool is_cancelled) {
    return failure(redis_errc::not_sent, is_cancelled ? "cancelled before it began"
                                                      : "its deadline had passed before it began");
}

bool is_cancelled(const asio::cancellation_state& state) {
    return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

dial_options to_dial_options(const client_options& from) {
    return {.server = from.server,
            .client_name = format_client_name(from.identity, from.kind),
            .ask_credentials = from.ask_credentials,
            .tcp = {.user_timeout = from.tcp_user_timeout}};
}

client::state::state(asio::any_io_executor executor, client_options given)
    : options(std::move(given)),
      group(std::make_shared<wire_group>(executor, options.silence_max)),
      opener(options, group),
      pool(executor, {options.kind, options.bounds, options.connect_timeout}, opener),
      lane(limits_of_lane(options), pool, group),
      handle(boost::make_local_shared<state*>(this)) {
    group->describe_pool = [this] { return describe(); };
}

client::state::~state() {
    *handle = nullptr;
    group->describe_pool = nullptr;  // operations in flight keep the group for a while
}

std::string client::state::describe() const {
    const auto& now = pool.stats();
    return fmt::format(
        "{}: {} of {} connections ({} opening, {} idle, {} in use, {} of them for the {} commands "
        "outstanding on the command lane), {} callers wait for a lease",
        options.kind, now.size(), now.cap ? std::to_string(*now.cap) : "any number of", now.opening,
        now.idle, now.leased, lane.connections(), lane.outstanding(), now.waiting);
}

client::client(asio::any_io_executor executor, client_options options)
    : state_(std::make_shared<state>(std::move(executor), std::move(options))) {
    state_->lane.set_owner(state_);
    state_->pool.on_pressure([weak = std::weak_ptr<state>(state_)] {
        if (const auto held = weak.lock()) held->lane.give_one_back();
    });
    if (!state_->options.locator) return;
    state_->move_listening =
        state_->options.locator->on_move([weak = std::weak_ptr<state>(state_)] {
            if (const auto held = weak.lock()) held->pool.retire_connections();
        });
}

client::~client() {
    state_->move_listening.reset();
    state_->is_closing = true;
    state_->lane.shut();
}

pool::owner_id client::owner(std::string_view name) {
    return state_->pool.owner(name);
}

// Whatever is rare is elsewhere and works on this frame by reference: beyond 1 KiB Asio recycles no
// frame, which costs a third more at a thousand callers.
asio::awaitable<result<value>> client::execute(command what, call how) {
    const auto place = place_of(what);
    if (place == command_place::elsewhere) co_return not_allowed(what);
    if (state_->is_closing) co_return failure(redis_errc::closed, state_->options.kind);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation) || how.by <= state_->group->turn_time())
        co_return too_late(is_cancelled(cancellation));

    // The client may be destroyed while this waits.
    const auto form = state_->options.form;
    const auto handle = state_->handle;
    result<value> reply;
    if (place == command_place::alone) [[unlikely]] {
        co_await execute_alone(handle, what, how, reply);
        co_return reply;
    }
    exchange x({&what, 1}, &*reply, how.by);
    co_await submission{x, state_->lane};
    if (x.failure && is_cancelled(cancellation)) co_return std::unexpected(std::move(*x.failure));
    if (x.failure || reply->is_error()) [[unlikely]] {
        co_await settle(handle, what, how, x.failure, reply);
        co_return reply;
    }
    if (form == reply_form::bytes) co_return reply;
    co_return check_reply(std::move(*reply), form, what);
}

asio::awaitable<result<void>> client::view(command what, call how, reply_visitor visitor) {
    if (auto refusal = refuse_on_lane({&what, 1})) co_return std::unexpected(std::move(*refusal));
    if (state_->is_closing) co_return failure(redis_errc::closed, state_->options.kind);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation) || how.by <= clock::now())
        co_return too_late(is_cancelled(cancellation));

    bool is_readable = true;
    const reply_visitor checked = [&is_readable, &visitor](const reply_view& seen) {
        is_readable = is_text(seen);
        if (is_readable) visitor(seen);
    };
    const auto handle = state_->handle;
    value reply;
    const request mine{.commands = {&what, 1},
                       .replies = &reply,
                       .visitor = state_->options.form == reply_form::text ? &checked : &visitor};
    auto failed = co_await run_once(handle, mine, how);
    if (failed && !is_cancelled(cancellation))
        failed = co_await try_again(handle, mine, how, std::move(*failed));
    if (failed) co_return std::unexpected(std::move(*failed));
    if (!is_readable) co_return std::unexpected(not_text(what));
    if (reply.is_error()) co_return std::unexpected(to_server_error(std::move(reply)));
    co_return result<void>{};
}

asio::awaitable<result<std::vector<value>>> client::pipeline(std::vector<command> what, call how) {
    if (auto refusal = refuse_on_lane(what)) co_return std::unexpected(std::move(*refusal));
    if (state_->is_closing) co_return failure(redis_errc::closed, state_->options.kind);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation) || how.by <= clock::now())
        co_return too_late(is_cancelled(cancellation));
    std::vector<value> replies(what.size());
    if (what.empty()) co_return replies;

    const auto form = state_->options.form;
    const auto handle = state_->handle;
    const request mine{
        .commands = what, .replies = replies.data(), .on_lease = state_->wants_lease(what)};
    auto failed = co_await run_once(handle, mine, how);
    if (failed && !is_cancelled(cancellation))
        failed = co_await try_again(handle, mine, how, std::move(*failed));
    if (!failed && *handle != nullptr) (*handle)->react_to(replies);
    // Refused one by one to the end: errors of the server, which stay among the values.
    if (failed && failed->code != redis_errc::refused)
        co_return std::unexpected(std::move(*failed));
    co_return check_replies(std::move(replies), form);
}

asio::awaitable<result<exclusive_connection>> client::lease(call how) {
    const auto state = state_;
    if (state->is_closing) co_return failure(redis_errc::closed, state->options.kind);
    auto held = co_await state->pool.acquire(how.owner, how.by);
    if (!held) {
        const auto& last = state->pool.last_open_error();
        const bool is_open_error = held.error().code == pool::pool_errc::open_failed && last;
        co_return std::unexpected(is_open_error ? *last : held.error());
    }
    co_return exclusive_connection(std::move(*held), state->options.form);
}

void client::retire_connections() {
    state_->pool.retire_connections();
}

asio::awaitable<result<void>> client::close(deadline by) {
    const auto held = state_;
    held->is_closing = true;
    (void)co_await held->lane.wait_until_idle(by);
    held->lane.shut();
    auto drained = co_await held->pool.drain(by);
    // A dial that waited in the pool has been refused and ends in the next turns of the loop:
    // whoever runs it no further after this leaves nothing behind.
    const auto last = std::max(by, clock::now() + dial_end_time_max);
    while (held->lane.is_dialling() && clock::now() < last)
        co_await asio::post(held->group->executor(), asio::use_awaitable);
    co_return drained;
}

const pool::pool_stats& client::stats() const {
    return state_->pool.stats();
}

const std::vector<pool::owner_usage>& client::owners() const {
    return state_->pool.owners();
}

lane_stats client::lane() const {
    const auto& lane = state_->lane;
    return {lane.connections(), lane.outstanding(), lane.commands(), lane.reconnects(),
            lane.queue_full()};
}

const lane_traffic& client::traffic() const {
    return state_->group->traffic;
}

const client_options& client::options() const {
    return state_->options;
}

// --- Leases ---

exclusive_connection::exclusive_connection(pool::lease held, reply_form form)
    : held_(std::move(held)), form_(form) {
    held_.mark_reusable();  // until something is sent
}

asio::awaitable<result<value>> exclusive_connection::execute(command what, deadline by) {
    value reply;
    auto failed = co_await exchange_into(&reply, {&what, 1}, by);
    if (failed) co_return std::unexpected(std::move(*failed));
    co_return check_reply(std::move(reply), form_, what);
}

asio::awaitable<result<std::vector<value>>> exclusive_connection::pipeline(
    std::vector<command> what, deadline by) {
    auto replies = co_await exchange_on(what, by);
    if (!replies) co_return std::unexpected(std::move(replies.error()));
    co_return check_replies(std::move(*replies), form_);
}

// Here and below, `what` is the caller's, which outlives this.
asio::awaitable<result<std::vector<value>>> exclusive_connection::exchange_on(
    const std::vector<command>& what, deadline by) {
    std::vector<value> replies(what.size());
    auto failed = co_await exchange_into(replies.data(), what, by);
    if (failed) co_return std::unexpected(std::move(*failed));
    co_return replies;
}

asio::awaitable<std::optional<error>> exclusive_connection::exchange_into(
    value* replies, std::span<const command> what, deadline by) {
    if (!held_) co_return error{redis_errc::not_sent, "the lease was given back"};
    for (const auto& each : what) {
        if (effect_of(each) == command_effect::pairing) co_return not_allowed(each).error();
    }
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation) || by <= clock::now())
        co_return too_late(is_cancelled(cancellation)).error();
    if (what.empty()) co_return std::nullopt;

    auto& conn = held_.as<connection>();
    const auto link = conn.link();
    held_.mark_in_use();
    exchange x(what, replies, by);
    co_await submission{x, *link};
    if (x.failure) co_return std::move(x.failure);

    auto& session = conn.session();
    bool is_good = link->outstanding() == 0;
    for (std::size_t i = 0; i < what.size(); ++i) {
        session.on_reply(what[i], replies[i]);
        is_good &= !replies[i].is_error() || !condemns_connection(replies[i].text);
    }
    if (is_good && session.is_clean()) held_.mark_reusable();
    co_return std::nullopt;
}

}  // namespace headroom::redis
