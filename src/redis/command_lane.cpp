// SPDX-License-Identifier: Apache-2.0
#include "redis/command_lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <limits>
#include <utility>

#include "base/assert.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

command_lane::command_lane(lane_limits limits, pool::async_pool& pool,
                           std::shared_ptr<wire_group> group)
    : limits_(limits),
      pool_(pool),
      group_(std::move(group)),
      name_(pool_.owner("command lane")),
      sizing_(limits.connections_max),
      size_timer_(group_->executor()),
      lifetime_timer_(group_->executor()),
      idle_(group_->executor()) {
    group_->add(*this);
}

command_lane::~command_lane() {
    group_->remove(*this);
    for (auto& each : members_) {
        each.link->on_lost(nullptr);
        each.link->on_idle(nullptr);
    }
    while (auto* x = waiting_.front()) {
        forget(*x);
        x->caller.drop();
    }
}

// --- Callers ---

void command_lane::accept(exchange& x) {
    if (is_shut_) return fail(x, redis_errc::closed, "the client is closed");
    auto* to = least_loaded();
    const auto load = to == nullptr ? lane_load{commands_waiting_, bytes_waiting_} : load_of(*to);
    if (load.commands + x.commands.size() > limits_.commands_max) {
        ++queue_full_;
        return fail(x, redis_errc::queue_full,
                    fmt::format("{} commands are outstanding on the least loaded connection; "
                                "lane_commands_max is {}",
                                load.commands, limits_.commands_max));
    }
    if (load.bytes + x.bytes > limits_.bytes_max) {
        ++queue_full_;
        return fail(x, redis_errc::queue_full,
                    fmt::format("{} bytes wait to be written and this needs {}; lane_bytes_max "
                                "is {}",
                                load.bytes, x.bytes, limits_.bytes_max));
    }
    commands_ += x.commands.size();
    if (to == nullptr) {
        hold(x);
    } else {
        bring(x, *to);
        sizing_.on_command(load.commands * members_.size() + x.commands.size());
    }
    dial_if_needed();
}

void command_lane::withdraw(exchange& x, std::string_view why) {
    forget(x);
    auto detail = std::string(why) + " while there was no connection";
    if (group_->describe_pool) detail += "; " + group_->describe_pool();
    if (const auto& last = pool_.last_open_error()) detail += "; last error: " + last->what();
    fail(x, redis_errc::not_sent, std::move(detail));
}

deadline command_lane::expire(clock::time_point now) {
    auto earliest = deadline::max();
    for (auto* x = waiting_.front(); x != nullptr;) {
        auto* const next = x->next;
        if (x->by > now) {
            earliest = std::min(earliest, x->by);
        } else {
            withdraw(*x, "its deadline has passed");
        }
        x = next;
    }
    return earliest;
}

void command_lane::fail(exchange& x, redis_errc code, std::string detail) {
    group_->fail(x, code, std::move(detail));
    if (outstanding() == 0) idle_.set();
}

void command_lane::hold(exchange& x) {
    x.holder = this;
    waiting_.push_back(x);
    commands_waiting_ += x.commands.size();
    bytes_waiting_ += x.bytes;
    group_->note_deadline(x.by);
}

void command_lane::forget(exchange& x) {
    waiting_.remove(x);
    commands_waiting_ -= x.commands.size();
    bytes_waiting_ -= x.bytes;
    x.holder = nullptr;
}

void command_lane::bring(exchange& x, member& to) {
    to.link->accept(x);
}

lane_load command_lane::load_of(const member& of) {
    return {of.link->outstanding(), of.link->bytes_queued()};
}

command_lane::member* command_lane::least_loaded() {
    member* least = nullptr;
    std::size_t least_weight = 0;
    for (auto& each : members_) {
        if (each.is_retiring) continue;
        const auto weight = weight_of(load_of(each));
        // Ties go to the first one, so that a lull leaves the others idle.
        if (least == nullptr || weight < least_weight) {
            least = &each;
            least_weight = weight;
        }
    }
    return least;
}

std::size_t command_lane::outstanding() const {
    auto sum = commands_waiting_;
    for (const auto& each : members_)
        sum += each.link->outstanding();
    return sum;
}

// --- Dialling ---

bool command_lane::should_grow() const {
    auto least = std::numeric_limits<std::size_t>::max();
    for (const auto& each : members_) {
        if (each.is_retiring) return false;
        least = std::min(least, each.link->outstanding());
    }
    if (!sizing_.should_grow(connections(), least)) return false;
    const auto& now = pool_.stats();
    return now.waiting == 0 && (now.idle > 0 || !now.cap || now.size() < *now.cap);
}

// While there is more than one connection.
void command_lane::watch_size() {
    if (is_size_watched_ || is_shut_ || members_.size() < 2) return;
    is_size_watched_ = true;
    size_timer_.expires_after(limits_.shrink_interval);
    size_timer_.async_wait([this, keeper = owner_](boost::system::error_code ec) {
        const auto held = keeper.lock();
        if (!held || ec) return;
        is_size_watched_ = false;
        look_at_size();
    });
}

void command_lane::look_at_size() {
    if (!is_shut_ && sizing_.should_shrink(connections(), outstanding())) give_one_back();
    watch_size();
}

bool command_lane::has_room_for_successor() const {
    const auto& now = pool_.stats();
    return now.waiting == 0 && (!now.cap || now.size() < *now.cap);
}

void command_lane::watch_lifetimes() {
    auto earliest = clock::time_point::max();
    for (const auto& each : members_) {
        if (!each.is_retiring) earliest = std::min(earliest, each.held.lifetime_end());
    }
    wait_for_lifetime(earliest);
}

void command_lane::wait_for_lifetime(clock::time_point end) {
    lifetime_timer_.cancel();
    if (is_shut_ || end == clock::time_point::max()) return;
    lifetime_timer_.expires_at(end);
    lifetime_timer_.async_wait([this, keeper = owner_](boost::system::error_code ec) {
        const auto held = keeper.lock();
        if (held && !ec) look_at_lifetimes();
    });
}

// A busy lane of one connection has the next one dialled first where the cap allows: nobody waits
// for it.
void command_lane::look_at_lifetimes() {
    const auto staying =
        std::ranges::count_if(members_, [](const member& m) { return !m.is_retiring; });
    if (staying == 1 && outstanding() > 0 && has_room_for_successor()) {
        is_successor_wanted_ = true;
        dial_if_needed();
        return;
    }
    retire_outlived();
    dial_if_needed();
}

// A server that takes no further connection must not cost us the one we have.
void command_lane::on_successor(bool has_come) {
    if (has_come) return retire_outlived();
    wait_for_lifetime(clock::now() + limits_.growth_timeout);
}

void command_lane::retire_outlived() {
    const auto now = clock::now();
    for (std::size_t i = members_.size(); i-- > 0;) {
        if (!members_[i].is_retiring && members_[i].held.lifetime_end() <= now)
            retire_one(members_[i]);
    }
    watch_lifetimes();
}

void command_lane::retire_one(member& what) {
    what.is_retiring = true;
    const auto link = what.link;
    if (link->outstanding() == 0) release(link.get(), true);
}

void command_lane::dial_if_needed() {
    if (is_dialling_ || is_shut_) return;
    const bool is_wanted =
        !waiting_.empty() || is_successor_wanted_ || (!members_.empty() && should_grow());
    if (!is_wanted) return;
    auto keeper = owner_.lock();
    if (!keeper) return;
    is_dialling_ = true;
    // A dial ends by itself, at the latest with the pool; nothing waits for it.
    asio::co_spawn(group_->executor(), dial(std::move(keeper), *this),
                   [](const std::exception_ptr& thrown) {
                       HEADROOM_ASSERT(!thrown, "a dial of the command lane throws nothing");
                   });
}

deadline command_lane::latest_deadline() const {
    auto latest = deadline::min();
    for (auto* x = waiting_.front(); x != nullptr; x = x->next)
        latest = std::max(latest, x->by);
    // A caller without a bound has none here either, but dials are looked at again.
    return std::min(latest, clock::now() + std::chrono::minutes(1));
}

asio::awaitable<void> command_lane::dial(std::shared_ptr<void> keeper, command_lane& lane) {
    (void)keeper;  // the lane is part of it
    for (bool again = true; again;) {
        const auto by = lane.waiting_.empty() ? clock::now() + lane.limits_.growth_timeout
                                              : lane.latest_deadline();
        auto held = co_await lane.pool_.acquire(lane.name_, by);
        const bool has_come = held.has_value();
        again = lane.on_dialled(std::move(held));
        if (std::exchange(lane.is_successor_wanted_, false)) lane.on_successor(has_come);
        // Those whose deadline ended the acquire leave first.
        if (again) co_await asio::post(lane.group_->executor(), asio::use_awaitable);
    }
    lane.is_dialling_ = false;
    lane.dial_if_needed();
}

// True when another dial is needed for those who wait.
bool command_lane::on_dialled(result<pool::lease> held) {
    if (held) return !adopt(std::move(*held)) && !waiting_.empty();
    const auto why = pool::pool_errc(held.error().code.value());
    switch (why) {
        case pool::pool_errc::timeout:
        case pool::pool_errc::cancelled:
            break;
        case pool::pool_errc::closed:
            fail_waiting(redis_errc::closed, "the client is closed");
            break;
        case pool::pool_errc::queue_full:
            fail_waiting(redis_errc::not_sent, held.error().detail);
            break;
        case pool::pool_errc::open_failed: {
            // With wrong credentials or certificates nobody needs to wait; else each waits until
            // its deadline.
            const auto& last = pool_.last_open_error();
            for (const auto code : {redis_errc::auth_failed, redis_errc::tls_failed}) {
                if (last && last->code == code) fail_waiting(code, last->detail);
            }
            break;
        }
    }
    return !waiting_.empty() && !is_shut_;
}

bool command_lane::adopt(pool::lease held) {
    const auto link = held.as<connection>().link();
    if (link->is_lost()) return false;  // given back as broken
    held.mark_in_use();
    if (is_shut_) {
        held.mark_reusable();
        return true;
    }
    link->on_lost([this, raw = link.get()](exchange_list unsent, const error&) {
        on_lost(raw, std::move(unsent));
    });
    link->on_idle([this, raw = link.get()] { on_idle(raw); });
    members_.push_back({std::move(held), link});
    watch_size();
    watch_lifetimes();
    while (auto* x = waiting_.front()) {
        forget(*x);
        bring(*x, *least_loaded());
    }
    return true;
}

void command_lane::fail_waiting(redis_errc code, const std::string& detail) {
    while (auto* x = waiting_.front()) {
        forget(*x);
        fail(*x, code, detail);
    }
}

// --- Connections that end ---

void command_lane::on_lost(const wire* link, exchange_list unsent) {
    ++losses_;
    release(link, false);
    // None of their bytes reached a server, so another connection may take them while their
    // deadlines last.
    while (auto* x = unsent.pop_front()) {
        if (is_shut_) {
            fail(*x, redis_errc::not_sent, "the client was closed");
        } else if (auto* to = least_loaded(); to != nullptr) {
            bring(*x, *to);
        } else {
            hold(*x);
        }
    }
    if (outstanding() == 0) idle_.set();
    dial_if_needed();
}

void command_lane::on_idle(const wire* link) {
    const auto at = std::ranges::find(members_, link, [](const member& m) { return m.link.get(); });
    if (at != members_.end() && at->is_retiring) release(link, true);
    if (outstanding() == 0) idle_.set();
}

void command_lane::release(const wire* link, bool reusable) {
    const auto at = std::ranges::find(members_, link, [](const member& m) { return m.link.get(); });
    if (at == members_.end()) return;
    auto leaving = std::move(*at);
    members_.erase(at);
    leaving.link->on_lost(nullptr);
    leaving.link->on_idle(nullptr);
    if (reusable) leaving.held.mark_reusable();
    leaving.held.give_back();
}

void command_lane::give_one_back() {
    const auto staying =
        std::ranges::count_if(members_, [](const member& m) { return !m.is_retiring; });
    if (staying <= 1) return;
    const auto at = std::ranges::find_if(members_.rbegin(), members_.rend(),
                                         [](const member& m) { return !m.is_retiring; });
    retire_one(*at);
}

void command_lane::replace_connections() {
    for (std::size_t i = members_.size(); i-- > 0;)
        retire_one(members_[i]);
    dial_if_needed();
}

asio::awaitable<bool> command_lane::wait_until_idle(deadline by) {
    while (outstanding() > 0) {
        idle_.reset();
        if (!co_await idle_.wait(by)) co_return false;
    }
    co_return true;
}

void command_lane::shut() {
    is_shut_ = true;
    size_timer_.cancel();
    lifetime_timer_.cancel();
    fail_waiting(redis_errc::not_sent, "the client was closed");
    while (!members_.empty()) {
        const auto link = members_.back().link;
        if (link->outstanding() == 0) {
            release(link.get(), true);
        } else {
            link->lose({redis_errc::closed, "the client was closed"});
        }
    }
    idle_.set();
}

}  // namespace headroom::redis
