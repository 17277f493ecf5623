// SPDX-License-Identifier: Apache-2.0
// Where executors run: starts a chat-executor and gives its two ends, the order in and the reports
// out. Not what they say.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/executor/core/execution.hpp"

namespace headroom::chat {

// One chat-executor that was started. Event loop only.
class launched_executor {
public:
    launched_executor() = default;
    launched_executor(const launched_executor&) = delete;
    launched_executor& operator=(const launched_executor&) = delete;
    // Whatever still runs of it is killed.
    virtual ~launched_executor() = default;

    // Writes to its standard input; a line break is added.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> send_line(std::string line,
                                                                         deadline by) = 0;
    // The next line of its standard output; empty when that has ended.
    [[nodiscard]] virtual boost::asio::awaitable<result<std::optional<std::string>>> next_line(
        deadline by) = 0;
    // Closes its standard input, waits for its end until `by`, then kills it. How it ended, for
    // people, with the end of its standard error: "ended with exit code 0".
    [[nodiscard]] virtual boost::asio::awaitable<std::string> finish(deadline by) = 0;
};

class executor_launcher {
public:
    executor_launcher() = default;
    executor_launcher(const executor_launcher&) = delete;
    executor_launcher& operator=(const executor_launcher&) = delete;
    virtual ~executor_launcher() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;  // "child", "docker"
    // Adapts the request to where it runs, before it is spelled.
    virtual void prepare(execution_request& what) const = 0;
    [[nodiscard]] virtual result<std::unique_ptr<launched_executor>> launch(
        const execution_request& what) = 0;
};

}  // namespace headroom::chat
