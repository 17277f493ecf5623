// SPDX-License-Identifier: Apache-2.0
// Runs executions for a worker's bundles: at most so many at the same time, the others wait in
// order. Not where they run: executor_launcher.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/executor/executor_launcher.hpp"
#include "chat/sdk/comm_spec.hpp"

namespace headroom::chat {

// Hears one execution. Event loop only; must not block.
class execution_listener {
public:
    execution_listener() = default;
    execution_listener(const execution_listener&) = delete;
    execution_listener& operator=(const execution_listener&) = delete;
    virtual ~execution_listener() = default;

    // At once, and again when it changes: so many wait before it; 0: it is the next.
    virtual void on_waiting(std::size_t ahead) = 0;
    virtual void on_started(const started_report& how) = 0;
    virtual void on_output(const output_report& what) = 0;
};

struct executor_options {
    std::uint32_t running_max = 4;
    std::uint32_t waiting_max = 256;
    clock::duration start_time_max = std::chrono::seconds(30);  // until it reports its start
    clock::duration end_time_max = std::chrono::seconds(15);    // beyond the limits, for its report
};

struct executor_stats {
    std::uint32_t running_max = 0;
    std::uint32_t running = 0;
    std::uint32_t waiting = 0;
    std::uint64_t started = 0;
    std::uint64_t ended = 0;     // with a report
    std::uint64_t failed = 0;    // without one: could not be launched, or died
    std::uint64_t emitting = 0;  // of those that ended: how many had emitted
};

class executor_service {
public:
    executor_service(boost::asio::any_io_executor loop, std::unique_ptr<executor_launcher> launcher,
                     executor_options options);
    // stop() first.
    ~executor_service();
    executor_service(const executor_service&) = delete;
    executor_service& operator=(const executor_service&) = delete;

    // Waits its turn, runs, and gives the report. Cancelling the coroutine ends the program and
    // everything it started, and still gives the report, within a few seconds. At `by` it returns
    // at once, and the program is ended behind it. Errors: queue_full, closed, execution_failed
    // with why, for people.
    [[nodiscard]] boost::asio::awaitable<result<ended_report>> run(execution_request what,
                                                                   std::optional<comm_spec> comm,
                                                                   execution_listener& to,
                                                                   deadline by);
    // Refuses new ones, cancels those that run, and waits for their ends.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

    [[nodiscard]] executor_stats stats() const;
    [[nodiscard]] std::string_view launcher_name() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owners: executions that end after their caller gave up
};

}  // namespace headroom::chat
