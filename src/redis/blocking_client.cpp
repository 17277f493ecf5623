// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_client.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "net/loop_thread.hpp"
#include "redis/blocking_connection.hpp"
#include "redis/blocking_lane.hpp"
#include "redis/blocking_primary_connector.hpp"
#include "redis/blocking_retry.hpp"
#include "redis/reply_check.hpp"

namespace headroom::redis {

namespace {

// What is more than this has a connection for itself, so that nobody's small command waits for it.
constexpr std::size_t lane_pipeline_max = 64;
constexpr std::size_t lane_call_bytes_max = 64 * 1024;

shared_lane_limits limits_of_lane(const client_options& options) {
    shared_lane_limits limits;
    limits.commands_max = options.lane_commands_max;
    limits.bytes_max = options.lane_bytes_max;
    limits.connections_max = std::max(options.lane_connections_max, 1U);
    if (const auto cap = options.bounds.cap) {
        // One is left for leases, as far as the cap allows.
        limits.connections_max = std::min(limits.connections_max, std::max(*cap, 2U) - 1);
        limits.leaves_room_for_leases = limits.connections_max < *cap;
    }
    return limits;
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

// Short, and leaves the connection as it was.
bool may_share(std::span<const command> what) {
    std::size_t bytes = 0;
    for (const auto& each : what) {
        if (effect_of(each) != command_effect::none) return false;
        bytes += each.encoded_size();
    }
    return what.size() <= lane_pipeline_max && bytes <= lane_call_bytes_max;
}

}  // namespace

struct blocking_client::state {
    explicit state(client_options given)
        : options(std::move(given)),
          opener(options),
          pool({options.kind, options.bounds, options.connect_timeout}, opener),
          lane(limits_of_lane(options), options.silence_max, pool, opener) {
        if (options.locator) {
            move_listening = options.locator->on_move([this] { pool.retire_connections(); });
        }
    }

    [[nodiscard]] std::optional<error> refuse_here(deadline by) const;
    [[nodiscard]] std::optional<error> run(std::span<const command> what, std::span<value> replies,
                                           call how);
    [[nodiscard]] std::optional<error> run_once(std::span<const command> what,
                                                std::span<value> replies, call how);
    void replace_connections();
    [[nodiscard]] std::optional<error> run_on_lease(std::span<const command> what,
                                                    std::span<value> replies, call how);

    const client_options options;
    const pid_t process = ::getpid();
    blocking_primary_connector opener;
    pool::blocking_pool pool;
    blocking_lane lane;
    std::atomic<bool> is_closing{false};
    std::atomic<clock::rep> replaced_at{0};  // since the clock's epoch
    std::shared_ptr<void> move_listening;    // last: no call comes once it is gone
};

// On this thread, in this process, at this time.
std::optional<error> blocking_client::state::refuse_here(deadline by) const {
    if (net::loop_thread::is_this()) {
        return error{redis_errc::not_allowed,
                     fmt::format("a blocking call to the pool {} on an event loop's thread would "
                                 "stop everything that runs on it: use the asynchronous client "
                                 "there, or make the call on a thread of its own",
                                 options.kind)};
    }
    if (::getpid() != process) {
        return error{redis_errc::not_allowed,
                     fmt::format("the pool {} belongs to process {}, of which this one is a fork: "
                                 "make a client after the fork",
                                 options.kind, process)};
    }
    if (is_closing) return error{redis_errc::closed, options.kind};
    if (by <= clock::now()) {
        return error{redis_errc::not_sent, "its deadline had passed before it began"};
    }
    return std::nullopt;
}

std::optional<error> blocking_client::state::run(std::span<const command> what,
                                                 std::span<value> replies, call how) {
    auto failed = run_once(what, replies, how);
    const bool has_errors =
        std::ranges::any_of(replies, [](const value& each) { return each.is_error(); });
    if (!failed && !has_errors) [[likely]]
        return std::nullopt;
    return try_again({.commands = what,
                      .replies = replies,
                      .how = how,
                      .rules = options.retries,
                      .again = [&] { return run_once(what, replies, how); },
                      .replace_connections = [this] { replace_connections(); }},
                     std::move(failed));
}

// At most once a second, as the asynchronous client does.
void blocking_client::state::replace_connections() {
    const auto now = clock::now().time_since_epoch();
    auto last = replaced_at.load();
    if (last > (now - std::chrono::seconds(1)).count()) return;
    if (replaced_at.compare_exchange_strong(last, now.count())) pool.replace_connections();
}

std::optional<error> blocking_client::state::run_once(std::span<const command> what,
                                                      std::span<value> replies, call how) {
    for (const auto& each : what) {
        if (auto refusal = refuse(each, what.size() == 1)) return refusal;
        if (auto why = explain_block_time(each, clock::now(), how.by))
            return error{redis_errc::not_sent, std::move(*why)};
    }
    if (auto refusal = refuse_here(how.by)) return refusal;
    if (what.empty()) return std::nullopt;
    return may_share(what) ? lane.run(what, replies.data(), how) : run_on_lease(what, replies, how);
}

std::optional<error> blocking_client::state::run_on_lease(std::span<const command> what,
                                                          std::span<value> replies, call how) {
    auto held = pool.acquire(how.owner, how.by);
    if (!held) return opener.explain(std::move(held.error()));
    auto& conn = held->as<blocking_connection>();
    held->mark_in_use();
    auto answers = conn.exchange(what, how.by);
    if (!answers) return std::move(answers.error());
    for (std::size_t i = 0; i < what.size(); ++i)
        conn.session().on_reply(what[i], (*answers)[i]);
    if (conn.session().is_clean()) held->mark_reusable();
    std::ranges::move(*answers, replies.begin());
    return std::nullopt;
}

blocking_client::blocking_client(client_options options)
    : state_(std::make_unique<state>(std::move(options))) {}

blocking_client::~blocking_client() {
    // The threads of the pool are not in a fork, and its sockets are the parent's.
    if (::getpid() != state_->process) (void)state_.release();
}

pool::owner_id blocking_client::owner(std::string_view name) {
    return state_->pool.owner(name);
}

result<value> blocking_client::execute(const command& what, call how) {
    value reply;
    if (auto failed = state_->run({&what, 1}, {&reply, 1}, how)) {
        return std::unexpected(std::move(*failed));
    }
    return check_reply(std::move(reply), state_->options.form, what);
}

result<std::vector<value>> blocking_client::pipeline(const std::vector<command>& what, call how) {
    std::vector<value> replies(what.size());
    auto failed = state_->run(what, replies, how);
    // Refused one by one to the end: errors of the server, which stay among the values.
    if (failed && failed->code != redis_errc::refused) return std::unexpected(std::move(*failed));
    return check_replies(std::move(replies), state_->options.form);
}

void blocking_client::retire_connections() {
    state_->pool.retire_connections();
}

result<void> blocking_client::close(deadline by) {
    state_->is_closing = true;
    return state_->pool.drain(by);
}

pool::pool_stats blocking_client::stats() const {
    auto now = state_->pool.stats();
    for (const auto calls : state_->lane.passengers()) {
        now.acquires += calls;
        now.granted += calls;
    }
    return now;
}

lane_traffic blocking_client::traffic() const {
    return state_->lane.traffic();
}

lane_stats blocking_client::lane() const {
    return state_->lane.stats();
}

std::vector<pool::owner_usage> blocking_client::owners() const {
    auto all = state_->pool.owners();
    const auto passengers = state_->lane.passengers();
    for (std::size_t i = 0; i < std::min(all.size(), passengers.size()); ++i)
        all[i].granted += passengers[i];
    return all;
}

const client_options& blocking_client::options() const {
    return state_->options;
}

}  // namespace headroom::redis
