// SPDX-License-Identifier: Apache-2.0
// What chat-executor does: takes one order, runs its program, forwards output and events, and tells
// exactly how it ended. Neither the walls around the program (program_run) nor the connection that
// events take (sdk/chat_comm).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace headroom::chat {

// Its exit codes.
enum class runtime_end : std::uint8_t {
    reported = 0,   // the ended report was written
    failed = 1,     // it could not be
    bad_order = 2,  // there was no order that can be carried out, and no report
};

struct runtime_options {
    int input = 0;           // the order, then cancel_line or the end
    int output = 1;          // reports
    std::string own_folder;  // where chat-emit and chat-executor-init are
    // Hears what is wrong with the order or the worker, a line without a line break: for standard
    // error. It holds no secret.
    std::function<void(std::string_view)> complain;

    clock::duration order_time_max = std::chrono::seconds(10);
    clock::duration drain_time_max = std::chrono::seconds(3);  // for the rest of output and events
    clock::duration flush_time_max = std::chrono::seconds(5);  // for events that are held
    clock::duration flush_time_orphaned_max = std::chrono::seconds(1);
    clock::duration report_time_max = std::chrono::seconds(3);  // for the ended report
};

// Event loop only. One for a process, since it makes the process' chat_comm.
class executor_runtime {
public:
    executor_runtime(boost::asio::any_io_executor loop, runtime_options options);
    // After run() has returned.
    ~executor_runtime();
    executor_runtime(const executor_runtime&) = delete;
    executor_runtime& operator=(const executor_runtime&) = delete;

    // Once.
    [[nodiscard]] boost::asio::awaitable<runtime_end> run();
    // The program ends as a cancelled one, and is reported.
    void cancel();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::chat
