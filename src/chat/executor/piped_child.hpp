// SPDX-License-Identifier: Apache-2.0
// A child process spoken to by lines over its standard input and output; the end of its standard
// error is kept for people. Not what the lines mean.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/process/child_process.hpp"

namespace headroom::chat {

struct piped_program {
    std::string program;                   // a path
    std::vector<std::string> arguments;    // argv
    std::vector<std::string> environment;  // "K=V"; all that it gets
    std::size_t line_bytes_max = 0;        // of its standard output
};

// Event loop only. Its process is killed when the thread that started it ends, so that thread is
// the event loop's. SIGPIPE must be ignored.
class piped_child {
public:
    [[nodiscard]] static result<std::unique_ptr<piped_child>> start(
        boost::asio::any_io_executor loop, child_reaper& reaper, piped_program what);
    // Kills it and what is left of its process group.
    ~piped_child();
    piped_child(const piped_child&) = delete;
    piped_child& operator=(const piped_child&) = delete;

    // Adds the line break. Errors: timed_out, operation_canceled, broken_pipe when it reads no
    // more; then a part may have been written.
    [[nodiscard]] boost::asio::awaitable<result<void>> send_line(std::string line, deadline by);
    // Empty at the end of its output. Errors: timed_out and operation_canceled, after which it may
    // be called again; message_size for a line beyond the bound.
    [[nodiscard]] boost::asio::awaitable<result<std::optional<std::string>>> next_line(deadline by);

    void close_input();
    // True when it has ended, and what it wrote to its standard error is read, before `by`.
    [[nodiscard]] boost::asio::awaitable<bool> wait(deadline by);
    // It and its process group.
    void kill();

    [[nodiscard]] const std::optional<int>& status() const;  // of waitpid(2)
    // As it came: may hold anything.
    [[nodiscard]] const std::string& error_tail() const;

private:
    struct state;
    explicit piped_child(std::shared_ptr<state> made);
    std::shared_ptr<state> state_;  // second owners: the tasks that read and watch
};

}  // namespace headroom::chat
