// SPDX-License-Identifier: Apache-2.0
#include "redis/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "redis/client_state.hpp"
#include "redis/core/command_traits.hpp"
#include "redis/reply_check.hpp"

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

// Empty when the command may share a connection.
std::optional<error> refuse_on_lane(const command& what) {
    const auto effect = effect_of(what);
    if (effect == command_effect::none) return std::nullopt;
    return error{redis_errc::not_allowed, std::string(what.name()) + " " +
                                              std::string(describe(effect)) +
                                              ": take a lease, or a subscriber for channels"};
}

// Nothing was begun.
std::unexpected<error> too_late(bool is_cancelled) {
    return failure(redis_errc::not_sent, is_cancelled ? "cancelled before it began"
                                                      : "its deadline had passed before it began");
}

asio::awaitable<std::optional<error>> refuse_late(deadline by) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    const bool is_cancelled = cancellation.cancelled() != asio::cancellation_type::none;
    if (is_cancelled || by <= clock::now()) co_return too_late(is_cancelled).error();
    co_return std::nullopt;
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
      lane(limits_of_lane(options), pool, group) {
    group->describe_pool = [this] { return describe(); };
}

client::state::~state() {
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

asio::awaitable<result<value>> client::execute(command what, call how) {
    if (auto refusal = refuse_on_lane(what)) co_return std::unexpected(std::move(*refusal));
    if (state_->is_closing) co_return failure(redis_errc::closed, state_->options.kind);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    const bool is_cancelled = cancellation.cancelled() != asio::cancellation_type::none;
    if (is_cancelled || how.by <= state_->group->turn_time()) co_return too_late(is_cancelled);

    // The client may be destroyed while this waits.
    const auto form = state_->options.form;
    result<value> reply;
    exchange x({&what, 1}, &*reply, how.by);
    co_await submission{x, state_->lane};
    if (x.failure) co_return std::unexpected(std::move(*x.failure));
    if (form == reply_form::bytes && !reply->is_error()) co_return reply;
    co_return check_reply(std::move(*reply), form, what);
}

asio::awaitable<result<void>> client::view(command what, call how, reply_visitor visitor) {
    const auto held = state_;
    if (auto refusal = refuse_on_lane(what)) co_return std::unexpected(std::move(*refusal));
    if (held->is_closing) co_return failure(redis_errc::closed, held->options.kind);
    auto late = co_await refuse_late(how.by);
    if (late) co_return std::unexpected(std::move(*late));

    bool is_readable = true;
    const reply_visitor checked = [&is_readable, &visitor](const reply_view& seen) {
        is_readable = is_text(seen);
        if (is_readable) visitor(seen);
    };
    value reply;
    exchange x({&what, 1}, &reply, how.by);
    x.visitor = held->options.form == reply_form::text ? &checked : &visitor;
    co_await submission{x, held->lane};
    if (x.failure) co_return std::unexpected(std::move(*x.failure));
    if (!is_readable) co_return std::unexpected(not_text(what));
    if (!reply.is_error()) co_return result<void>{};
    const auto code = classify_server_error(reply.text);
    co_return failure(code, std::move(reply.text));
}

asio::awaitable<result<std::vector<value>>> client::pipeline(std::vector<command> what, call how) {
    const auto held = state_;
    for (const auto& each : what) {
        if (auto refusal = refuse_on_lane(each)) co_return std::unexpected(std::move(*refusal));
    }
    if (held->is_closing) co_return failure(redis_errc::closed, held->options.kind);
    auto late = co_await refuse_late(how.by);
    if (late) co_return std::unexpected(std::move(*late));
    std::vector<value> replies(what.size());
    if (what.empty()) co_return replies;

    exchange x(what, replies.data(), how.by);
    co_await submission{x, held->lane};
    if (x.failure) co_return std::unexpected(std::move(*x.failure));
    co_return check_replies(std::move(replies), held->options.form);
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
    std::vector<command> one;
    one.push_back(std::move(what));
    const command& sent = one.front();
    auto replies = co_await exchange_on(one, by);
    if (!replies) co_return std::unexpected(std::move(replies.error()));
    co_return check_reply(std::move(replies->front()), form_, sent);
}

asio::awaitable<result<std::vector<value>>> exclusive_connection::pipeline(
    std::vector<command> what, deadline by) {
    auto replies = co_await exchange_on(what, by);
    if (!replies) co_return std::unexpected(std::move(replies.error()));
    co_return check_replies(std::move(*replies), form_);
}

// `what` is the caller's, which outlives this: both callers are in this file.
asio::awaitable<result<std::vector<value>>> exclusive_connection::exchange_on(
    const std::vector<command>& what, deadline by) {
    if (!held_) co_return failure(redis_errc::not_sent, "the lease was given back");
    for (const auto& each : what) {
        if (effect_of(each) != command_effect::pairing) continue;
        co_return failure(redis_errc::not_allowed,
                          std::string(each.name()) + " " +
                              std::string(describe(command_effect::pairing)) +
                              ": use a subscriber for channels");
    }
    auto late = co_await refuse_late(by);
    if (late) co_return std::unexpected(std::move(*late));
    std::vector<value> replies(what.size());
    if (what.empty()) co_return replies;

    auto& conn = held_.as<connection>();
    const auto link = conn.link();
    held_.mark_in_use();
    exchange x(what, replies.data(), by);
    co_await submission{x, *link};
    if (x.failure) co_return std::unexpected(std::move(*x.failure));

    auto& session = conn.session();
    for (std::size_t i = 0; i < what.size(); ++i)
        session.on_reply(what[i], replies[i]);
    if (session.is_clean() && link->outstanding() == 0) held_.mark_reusable();
    co_return replies;
}

}  // namespace headroom::redis
