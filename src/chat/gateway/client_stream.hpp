// SPDX-License-Identifier: Apache-2.0
// One SSE stream of one client: takes events from the relay into a bounded buffer and writes them
// in batches. Knows no route.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "chat/core/sse_buffer.hpp"
#include "chat/http/message.hpp"
#include "chat/relay/chat_relay_communicator.hpp"
#include "net/event.hpp"

namespace headroom::chat {

struct client_stream_options {
    clock::duration keep_alive = std::chrono::seconds(15);
    clock::duration write_timeout = std::chrono::seconds(20);
    sse_bounds bounds;
};

class client_stream final : public stream_sink, public std::enable_shared_from_this<client_stream> {
public:
    client_stream(boost::asio::any_io_executor executor, client_stream_options options);

    // From the relay.
    void deliver(const stream_event& event) override;
    // The stream is entered in the relay for as long as it lives.
    void keep(chat_relay_communicator::subscription place) { place_ = std::move(place); }

    // Writes until the client is gone, too slow, or told farewell; the last frames go out first.
    [[nodiscard]] boost::asio::awaitable<void> run(http::body_writer& to);
    // Says `last` after what is buffered, then ends.
    void end_with(const stream_event& last);

private:
    client_stream_options options_;
    sse_buffer buffer_;
    net::event has_news_;
    bool is_ending_ = false;
    bool is_gone_ = false;
    std::optional<chat_relay_communicator::subscription> place_;
};

}  // namespace headroom::chat
