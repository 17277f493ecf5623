// SPDX-License-Identifier: Apache-2.0
// The standard output of chat-executor: one report a line, in order, however many tasks report. Not
// what a report says.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>

#include "base/time.hpp"
#include "net/event.hpp"

namespace headroom::chat {

// Event loop only.
class report_pipe {
public:
    // `on_gone` is called once, when nobody can read any further: the other end is closed, or a
    // line was cut because its deadline passed.
    report_pipe(const boost::asio::any_io_executor& loop, std::function<void()> on_gone);

    // Owns the descriptor, which becomes non-blocking. False for a file: nobody waits for its end.
    [[nodiscard]] bool open(int descriptor);
    // Returns when the line, to which a line break is added, is written: a worker that does not
    // read holds up the program rather than our memory. False when it is gone, or `by` has passed.
    [[nodiscard]] boost::asio::awaitable<bool> send(std::string line, deadline by);

private:
    void give_up();

    boost::asio::any_io_executor loop_;
    boost::asio::posix::stream_descriptor out_;
    net::event is_free_;
    bool is_gone_ = false;
    std::function<void()> on_gone_;
};

}  // namespace headroom::chat
