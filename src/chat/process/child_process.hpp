// SPDX-License-Identifier: Apache-2.0
// Starts a program as a child of this process and says when it ended. Decides nothing about
// replacement.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/process/process_mark.hpp"
#include "net/event.hpp"

namespace headroom::chat {

struct system_user {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct spawn_options {
    std::string program;                       // a path; nothing is searched
    std::vector<std::string> arguments;        // argv, the program's own name first
    std::vector<std::string> environment;      // "K=V"
    std::string working_folder;                // empty: our own
    std::optional<system_user> user;           // empty: our own
    std::optional<int> input_descriptor = {};  // empty: /dev/null
    int output_descriptor = 2;  // standard output and, unless it is 2, standard error
    std::optional<int> error_descriptor = {};  // empty: as output_descriptor says
    std::vector<int> kept_descriptors;         // all others but 0, 1 and 2 are closed
    int death_signal = 0;  // sent to the child when the thread that started it ends; 0: none
};

// For who waits for the child himself; others use child_reaper. Fails when the program cannot be
// executed, with the reason of the system.
[[nodiscard]] result<pid_t> spawn(const spawn_options& options);

class child_process {
public:
    child_process(boost::asio::any_io_executor executor, process_mark mark)
        : mark_(mark), ended_(std::move(executor)) {}

    [[nodiscard]] const process_mark& mark() const { return mark_; }
    // The status of waitpid(2), once it has ended.
    [[nodiscard]] const std::optional<int>& status() const { return status_; }
    // False when `by` passed first.
    [[nodiscard]] boost::asio::awaitable<bool> wait(deadline by) { return ended_.wait(by); }
    void send_signal(int number) const;
    // SIGKILL at `by` when `number` has not ended it before. Returns when it is gone.
    [[nodiscard]] boost::asio::awaitable<void> stop(int number, deadline by);

    // Event loop only; by the reaper.
    void note_end(int status);

private:
    process_mark mark_;
    std::optional<int> status_;
    net::event ended_;
};

// "ended with exit code 1", "was killed by signal 9"
[[nodiscard]] std::string describe_status(int status);

// Knows all children and takes their ends from the system. One for a process.
class child_reaper {
public:
    explicit child_reaper(boost::asio::any_io_executor executor);
    ~child_reaper();
    child_reaper(const child_reaper&) = delete;
    child_reaper& operator=(const child_reaper&) = delete;

    // Fails when the program cannot be executed, with the reason of the system.
    [[nodiscard]] result<std::shared_ptr<child_process>> start(const spawn_options& options);

private:
    struct state;
    std::shared_ptr<state> state_;  // second owner: the signal handler
};

}  // namespace headroom::chat
