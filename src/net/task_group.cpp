// SPDX-License-Identifier: Apache-2.0
#include "net/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <list>

#include "base/assert.hpp"
#include "net/event.hpp"

namespace headroom::net {

namespace asio = boost::asio;

namespace {
struct task {
    std::string name;
    asio::cancellation_signal stop;
};

[[noreturn]] void escaped(const std::string& name, const std::exception_ptr& thrown) {
    std::string what = "task '" + name + "' ended with an exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& caught) {
        what += std::string(": ") + caught.what();
    } catch (...) {
        what += " of an unknown type";
    }
    assertion_failed("a task ends without an exception", what, __FILE__, __LINE__);
}

// Being stopped is an input, not an exception: operations end as cancelled, and the task decides
// what that means.
asio::awaitable<void> run(asio::awaitable<void> work) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(work);
}

}  // namespace

struct task_group::state {
    explicit state(const asio::any_io_executor& on) : executor(on), all_ended(on) {}
    asio::any_io_executor executor;
    event all_ended;
    std::list<task> tasks;
    bool stopping = false;
    bool let_go = false;
};

task_group::task_group(asio::any_io_executor executor) : state_(std::make_shared<state>(executor)) {
    state_->all_ended.set();
}

task_group::~task_group() {
    HEADROOM_ASSERT(state_->let_go || state_->tasks.empty(),
                    "task_group destroyed while '" + state_->tasks.front().name + "' still runs");
}

void task_group::spawn(std::string name, asio::awaitable<void> work) {
    auto held = state_;
    held->all_ended.reset();
    const auto at = held->tasks.emplace(held->tasks.end());
    at->name = std::move(name);
    auto ended = [held, at](std::exception_ptr thrown) {
        if (thrown) escaped(at->name, thrown);
        held->tasks.erase(at);
        if (held->tasks.empty()) held->all_ended.set();
    };
    asio::co_spawn(held->executor, run(std::move(work)),
                   asio::bind_cancellation_slot(at->stop.slot(), std::move(ended)));
    if (held->stopping) at->stop.emit(asio::cancellation_type::terminal);
}

void task_group::request_stop() {
    state_->stopping = true;
    // A task may end, and leave the list, inside emit(); its operations complete later, so no other
    // task can.
    for (auto at = state_->tasks.begin(); at != state_->tasks.end();) {
        auto& current = *at++;
        current.stop.emit(asio::cancellation_type::terminal);
    }
}

bool task_group::is_stopping() const {
    return state_->stopping;
}

asio::awaitable<bool> task_group::join(deadline by) {
    auto held = state_;
    co_return co_await held->all_ended.wait(by);
}

std::vector<std::string> task_group::running() const {
    std::vector<std::string> names;
    for (const auto& each : state_->tasks)
        names.push_back(each.name);
    return names;
}

void task_group::let_go() {
    state_->let_go = true;
}

}  // namespace headroom::net
