// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/executor_service.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/executor/core/execution_gate.hpp"
#include "chat/executor/execution_run.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

// Of a program that was told to stop, for its report; then it is killed.
constexpr auto stop_patience = std::chrono::seconds(3);
// Of stop(by) for what is killed to be gone.
constexpr auto kill_patience = std::chrono::seconds(1);

std::unexpected<error> refused(std::string why) {
    return failure(chat_errc::execution_failed, std::move(why));
}

}  // namespace

struct executor_service::state : std::enable_shared_from_this<executor_service::state> {
    struct execution;

    state(const asio::any_io_executor& on, std::unique_ptr<executor_launcher> by_launcher,
          const executor_options& told)
        : loop(on),
          launcher(std::move(by_launcher)),
          options(told),
          gate({.running_max = told.running_max, .waiting_max = told.waiting_max}),
          all_gone(on) {
        all_gone.set();
    }

    asio::awaitable<result<ended_report>> run(execution_request what, std::optional<comm_spec> comm,
                                              execution_listener& to, deadline by);
    asio::awaitable<result<ended_report>> wait(std::shared_ptr<execution> one, deadline by);
    asio::awaitable<void> execute(std::shared_ptr<execution> one);
    void start(const std::shared_ptr<execution>& one);
    void carry_out(const execution_gate::moves& made);
    // A waiting one leaves the line with this outcome, one that runs is told to stop.
    void give_up(const std::shared_ptr<execution>& one, deadline kill_by, error why);
    void settle(const std::shared_ptr<execution>& one, result<ended_report> outcome);
    void remove(const std::shared_ptr<execution>& one, result<ended_report> outcome);

    // Fixed at construction.
    asio::any_io_executor loop;
    std::unique_ptr<executor_launcher> launcher;
    executor_options options;
    // Event loop only.
    execution_gate gate;
    std::map<execution_gate::ticket, std::shared_ptr<execution>> executions;  // until each is gone
    net::event all_gone;
    executor_stats counts;  // totals
    bool is_closed = false;
};

// Event loop only.
struct executor_service::state::execution {
    execution(const asio::any_io_executor& on, execution_run one, execution_listener& hears)
        : run(std::move(one)), to(&hears), ended(on), task(on) {
        // It ends with the program, not with whoever asked for it.
        task.let_go();
    }

    execution_gate::ticket ticket = 0;
    execution_run run;
    execution_listener* to;  // empty: its caller is gone
    net::event ended;
    result<ended_report> outcome = refused("the execution has not ended");  // once `ended` is set
    net::task_group task;  // of one: from its start to its end
};

asio::awaitable<result<ended_report>> executor_service::state::run(execution_request what,
                                                                   std::optional<comm_spec> comm,
                                                                   execution_listener& to,
                                                                   deadline by) {
    const auto self = shared_from_this();
    if (is_closed) co_return failure(chat_errc::closed, "the service is stopping");
    if (!is_execution_id(what.execution_id))
        co_return refused("the execution's id is not 1 to 40 of the characters 0-9A-Za-z_-");
    const auto arrived = gate.on_arrived();
    if (!arrived)
        co_return failure(chat_errc::queue_full,
                          fmt::format("{} executions run and {} wait: try again later",
                                      gate.running(), gate.waiting()));
    execution_order order{.what = std::move(what), .comm = std::move(comm)};
    auto one = std::make_shared<execution>(
        loop, execution_run(*launcher, std::move(order), to, options), to);
    one->ticket = arrived->who;
    executions.emplace(one->ticket, one);
    all_gone.reset();
    if (arrived->ahead) {
        to.on_waiting(*arrived->ahead);
    } else {
        start(one);
    }
    co_return co_await wait(one, by);
}

asio::awaitable<result<ended_report>> executor_service::state::wait(std::shared_ptr<execution> one,
                                                                    deadline by) {
    // Also when this coroutine is destroyed: its listener may be gone then.
    struct leaving {
        std::shared_ptr<state> self;
        std::shared_ptr<execution> one;
        ~leaving() {
            one->to = nullptr;
            one->run.forget_listener();
            if (!one->ended.is_set()) self->give_up(one, clock::now() + stop_patience, {});
        }
    } const leave{shared_from_this(), one};

    while (!one->ended.is_set()) {
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none)
            give_up(one, std::min(by, clock::now() + stop_patience),
                    {.code = make_error_code(chat_errc::execution_failed),
                     .detail = "the code was stopped before it started"});
        const bool ended = co_await one->ended.wait(by);
        if (ended || clock::now() < by) continue;
        if (gate.is_waiting(one->ticket))
            co_return refused("others ran before it until its time was over");
        co_return refused("the code did not end before its time was over, and was stopped");
    }
    co_return std::move(one->outcome);
}

asio::awaitable<void> executor_service::state::execute(std::shared_ptr<execution> one) {
    const auto self = shared_from_this();
    // Not within start(): a launch that fails at once would start the next one, and that the next.
    co_await asio::post(loop, asio::use_awaitable);
    auto outcome = co_await one->run.run();
    settle(one, std::move(outcome));
}

void executor_service::state::start(const std::shared_ptr<execution>& one) {
    ++counts.started;
    one->task.spawn("an execution", execute(one));
}

void executor_service::state::carry_out(const execution_gate::moves& made) {
    for (const auto who : made.start)
        start(executions.at(who));
    for (const auto& place : made.waiting) {
        const auto& one = executions.at(place.who);
        if (one->to != nullptr) one->to->on_waiting(place.ahead);
    }
}

void executor_service::state::give_up(const std::shared_ptr<execution>& one, deadline kill_by,
                                      error why) {
    if (gate.is_waiting(one->ticket)) {
        const auto made = gate.on_given_up(one->ticket);
        remove(one, std::unexpected(std::move(why)));
        carry_out(made);
        return;
    }
    one->run.ask_stop(kill_by);
    if (!one->task.is_stopping()) one->task.request_stop();
}

void executor_service::state::settle(const std::shared_ptr<execution>& one,
                                     result<ended_report> outcome) {
    if (outcome) {
        ++counts.ended;
        if (outcome->events.accepted > 0) ++counts.emitting;
    } else {
        ++counts.failed;
    }
    const auto made = gate.on_ended(one->ticket);
    remove(one, std::move(outcome));
    carry_out(made);
}

void executor_service::state::remove(const std::shared_ptr<execution>& one,
                                     result<ended_report> outcome) {
    executions.erase(one->ticket);
    one->outcome = std::move(outcome);
    one->ended.set();
    if (executions.empty()) all_gone.set();
}

executor_service::executor_service(asio::any_io_executor loop,
                                   std::unique_ptr<executor_launcher> launcher,
                                   executor_options options)
    : state_(std::make_shared<state>(loop, std::move(launcher), options)) {}

executor_service::~executor_service() {
    HEADROOM_ASSERT(state_->is_closed || state_->executions.empty(),
                    "executor_service destroyed before stop()");
}

asio::awaitable<result<ended_report>> executor_service::run(execution_request what,
                                                            std::optional<comm_spec> comm,
                                                            execution_listener& to, deadline by) {
    // Being cancelled is an input: the end of the program is still awaited, whatever the caller's
    // own coroutines do when they are cancelled.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto outcome = co_await state_->run(std::move(what), std::move(comm), to, by);
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return outcome;
}

asio::awaitable<void> executor_service::stop(deadline by) {
    const auto held = state_;
    held->is_closed = true;
    const auto kill_by = std::min(clock::now() + stop_patience, by - kill_patience);
    // Those that wait go first, or they would start in the places of those that end.
    const auto all = held->executions;
    for (const auto& [who, one] : all)
        if (held->gate.is_waiting(who))
            held->give_up(
                one, kill_by,
                {.code = make_error_code(chat_errc::closed), .detail = "the service is stopping"});
    for (const auto& [who, one] : all)
        if (!one->ended.is_set()) held->give_up(one, kill_by, {});
    (void)co_await held->all_gone.wait(by);
}

executor_stats executor_service::stats() const {
    executor_stats now = state_->counts;
    now.running_max = state_->options.running_max;
    now.running = static_cast<std::uint32_t>(state_->gate.running());
    now.waiting = static_cast<std::uint32_t>(state_->gate.waiting());
    return now;
}

std::string_view executor_service::launcher_name() const {
    return state_->launcher->name();
}

}  // namespace headroom::chat
