// SPDX-License-Identifier: Apache-2.0
// One answer while it is written: gathers what the bundle writes and shows, and publishes it as
// deltas and steps, one batch in flight at a time. Does not record it: turn_run does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <string>

#include "chat/bundles/bundle.hpp"
#include "chat/processor/turn_events.hpp"
#include "chat/relay/chat_relay_communicator.hpp"
#include "net/event.hpp"

namespace headroom::chat {

class live_answer final : public answer_stream {
public:
    live_answer(boost::asio::any_io_executor executor, chat_relay_communicator& publisher,
                turn_events events, std::size_t bytes_max);

    [[nodiscard]] result<void> write(std::string_view text) override;
    void show(step what) override;
    [[nodiscard]] bool is_stopped() const override { return stopped_; }

    // The bundle shall end: its next write fails.
    void stop() { stopped_ = true; }
    // Nothing more will be written; publish() ends when all is out, or the relay fails.
    void close();
    [[nodiscard]] boost::asio::awaitable<void> publish();

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    chat_relay_communicator& publisher_;
    turn_events events_;
    std::size_t bytes_max_;
    net::event changed_;
    std::string text_;
    std::size_t published_ = 0;  // bytes of text_
    std::deque<step> steps_;     // to be published, before the text that follows
    bool stopped_ = false;
    bool closed_ = false;
};

}  // namespace headroom::chat
