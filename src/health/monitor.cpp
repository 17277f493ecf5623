// SPDX-License-Identifier: Apache-2.0
#include "health/monitor.hpp"

#include <boost/asio/this_coro.hpp>
#include <map>
#include <utility>

#include "net/deadline.hpp"
#include "net/task_group.hpp"

namespace headroom::health {

namespace asio = boost::asio;

namespace {

struct registered {
    listener told;
    bool detailed = false;
    plain_view view;
};

}  // namespace

struct monitor::state_of {
    state_of(const asio::any_io_executor& executor, monitor_options given)
        : options(std::move(given)), tasks(executor) {}

    monitor_options options;
    net::task_group tasks;
    reachability_core core;
    std::optional<clock::time_point> since;
    std::optional<error> last_error;
    std::map<listener_id, std::shared_ptr<registered>> listeners;  // second owner: a call under way
    std::uint64_t last_id = 0;

    static asio::awaitable<void> watch(std::shared_ptr<state_of> self) {
        while (!self->tasks.is_stopping()) {
            co_await probe_once(self);
            if (self->tasks.is_stopping()) break;
            co_await net::sleep_until(clock::now() + self->options.interval);
        }
    }

    static asio::awaitable<void> probe_once(std::shared_ptr<state_of> self) {
        const auto by = clock::now() + self->options.timeout;
        auto found = co_await self->options.probe(by);
        if (self->tasks.is_stopping())
            co_return;  // a probe cut short says nothing about the server
        const bool comes_up =
            found.outcome == reachability::up && self->core.current() != reachability::up;
        if (comes_up && self->options.before_up) {
            const auto ready =
                co_await self->options.before_up(clock::now() + self->options.timeout);
            if (self->tasks.is_stopping()) co_return;
            if (!ready) found = {.outcome = reachability::down, .why = ready.error()};
        }
        self->apply(std::move(found));
    }

    void apply(probe_result found) {
        last_error = std::move(found.why);
        if (const auto changed = core.on_probe(found.outcome)) {
            since = clock::now();
            tell_all(*changed);
        }
    }

    void tell_all(reachability now) {
        const auto round = listeners;  // listeners may come and go while they are told
        for (const auto& [id, each] : round) {
            if (listeners.contains(id)) tell(*each, now);
        }
    }

    void tell(registered& to, reachability now) {
        const auto heard = to.detailed ? std::optional(now) : to.view.on_change(now);
        if (!heard) return;
        const auto* why = now == reachability::up || !last_error ? nullptr : &*last_error;
        try {
            to.told(*heard, why);
        } catch (...) {  // NOLINT(bugprone-empty-catch): a listener's fault is its own, the others
                         // are told
        }
    }

    listener_id add(listener told, bool detailed) {
        const auto id = static_cast<listener_id>(++last_id);
        auto added = std::make_shared<registered>(std::move(told), detailed, plain_view{});
        listeners.emplace(id, added);
        if (core.current() != reachability::unknown) tell(*added, core.current());
        return id;
    }
};

monitor::monitor(asio::any_io_executor executor, monitor_options options)
    : state_(std::make_shared<state_of>(executor, std::move(options))) {}

monitor::~monitor() = default;

void monitor::start() {
    state_->tasks.spawn("monitor", state_of::watch(state_));
}

asio::awaitable<void> monitor::stop(deadline by) {
    const auto self = state_;
    self->tasks.request_stop();
    (void)co_await self->tasks.join(by);
    self->listeners.clear();
}

listener_id monitor::add_listener(listener told) {
    return state_->add(std::move(told), false);
}
listener_id monitor::add_detailed_listener(listener told) {
    return state_->add(std::move(told), true);
}
void monitor::remove_listener(listener_id id) {
    state_->listeners.erase(id);
}

reachability monitor::state() const {
    return state_->core.current();
}
std::optional<clock::time_point> monitor::since() const {
    return state_->since;
}
const std::optional<error>& monitor::last_error() const {
    return state_->last_error;
}

std::optional<bool> monitor::is_healthy() const {
    if (state() == reachability::unknown) return std::nullopt;
    return state() == reachability::up;
}

}  // namespace headroom::health
