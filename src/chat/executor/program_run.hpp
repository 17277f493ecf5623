// SPDX-License-Identifier: Apache-2.0
// Runs one program behind walls and within limits, and says exactly how it ended. Reads neither its
// output nor its events: the caller does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/executor/core/execution.hpp"

namespace headroom::chat {

// How a program ended, before its output and events are known.
struct program_end {
    std::optional<int> exit_code = {};
    std::optional<int> signal = {};
    std::string start_error = {};
    std::optional<execution_stop> stopped = {};
    std::chrono::milliseconds wall_time{0};
    std::chrono::milliseconds cpu_time{0};
    std::uint64_t memory_bytes = 0;
};

class program_run {
public:
    // Makes the folders, raises the walls and starts the program. The error is for people: an
    // absent interpreter, no bubblewrap, a refused request. `own_folder` holds the programs
    // chat-emit and chat-executor-init.
    [[nodiscard]] static result<std::unique_ptr<program_run>> start(
        boost::asio::any_io_executor loop, const execution_request& what, std::string own_folder);
    // Everything it started is gone, and its folders.
    ~program_run();
    program_run(const program_run&) = delete;
    program_run& operator=(const program_run&) = delete;

    [[nodiscard]] const isolation& walls() const;
    // Read ends of pipes, non-blocking, owned by the caller from now on; once each.
    [[nodiscard]] int take_output();
    [[nodiscard]] int take_error();
    [[nodiscard]] int take_events();

    // Watches the limits until the program has ended and nothing it started is left.
    [[nodiscard]] boost::asio::awaitable<program_end> wait();
    // Ends it, with this reason; the first one counts. wait() then returns.
    void stop(execution_stop why);

    // After wait(): what it left in its output folder, by name.
    [[nodiscard]] std::vector<left_file> files(std::uint32_t at_most,
                                               std::uint64_t& not_listed) const;

private:
    struct state;
    explicit program_run(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

}  // namespace headroom::chat
