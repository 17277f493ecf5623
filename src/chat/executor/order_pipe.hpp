// SPDX-License-Identifier: Apache-2.0
// The standard input of chat-executor: an order, then whether it shall stop. Its end means that the
// worker is gone. Not what an order says.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/line_frames.hpp"
#include "chat/executor/execution_json.hpp"

namespace headroom::chat {

// Event loop only.
class order_pipe {
public:
    explicit order_pipe(const boost::asio::any_io_executor& loop);

    // Owns the descriptor, which becomes non-blocking. False for a file: its end says nothing.
    [[nodiscard]] bool open(int descriptor);
    // The first line. The error is for people.
    [[nodiscard]] boost::asio::awaitable<result<std::string>> order(deadline by);
    // What comes after it: calls `on_cancel` for each cancel_line, `on_other` for whatever else,
    // and returns at the end of the input or when it is cancelled; true at the end.
    [[nodiscard]] boost::asio::awaitable<bool> watch(std::function<void()> on_cancel,
                                                     std::function<void()> on_other);
    // Ends what waits.
    void cancel();

private:
    boost::asio::any_io_executor loop_;
    boost::asio::posix::stream_descriptor in_;
    line_frames lines_{request_bytes_max};
};

}  // namespace headroom::chat
