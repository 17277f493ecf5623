// SPDX-License-Identifier: Apache-2.0
// The worker's end of the socket to its supervisor: JSON lines out; its end of file means that the
// supervisor is gone. Not what the lines say.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>

#include "base/time.hpp"

namespace headroom::chat {

class status_channel {
public:
    // Owns `descriptor`; -1: there is no supervisor, and what is sent goes nowhere.
    status_channel(boost::asio::any_io_executor executor, int descriptor,
                   std::function<void()> on_supervisor_gone);
    // stop() first.
    ~status_channel();
    status_channel(const status_channel&) = delete;
    status_channel& operator=(const status_channel&) = delete;

    // In order. A supervisor that does not read loses snapshots, never the order.
    void send(const boost::json::object& frame);
    // Writes what is left, until `by`, and closes.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

private:
    struct state;
    std::shared_ptr<state> state_;  // second owners: the reading and the writing task
};

}  // namespace headroom::chat
