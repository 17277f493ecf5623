// SPDX-License-Identifier: Apache-2.0
// The public HTTP routes of a worker: checks what comes in, calls store, queue and relay, and turns
// their errors into answers. Not the HTTP server, not the page's content.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/secret.hpp"
#include "base/time.hpp"
#include "chat/http/message.hpp"
#include "chat/log.hpp"
#include "chat/queue/turn_queue.hpp"
#include "chat/relay/chat_relay_communicator.hpp"
#include "chat/store/chat_store.hpp"
#include "chat/worker/app_state.hpp"

namespace headroom::chat {

// One file of the page.
struct page_file {
    std::string_view path;  // "/app.js"; "/" is the page itself
    std::string_view content_type;
    std::string_view body;
    std::string_view etag;  // with its quotes
};

struct gateway_options {
    secret session_key;
    std::uint64_t streams_max = 10'000;  // of this worker
    std::uint64_t message_chars_max = 32'000;
    clock::duration call_timeout = std::chrono::seconds(5);  // of one request's calls together
    clock::duration stream_keep_alive = std::chrono::seconds(15);
    clock::duration stream_write_timeout = std::chrono::seconds(20);
    std::vector<page_file> page;
    bool serves_chat = true;  // false: /healthz and /readyz only, of a worker that runs turns
    std::function<bool()> is_ready;  // for /readyz
};

// All of them outlive the gateway.
struct gateway_services {
    app_state& app;
    chat_store& store;
    turn_queue& queue;
    chat_relay_communicator& relay;
};

class gateway {
public:
    gateway(boost::asio::any_io_executor executor, gateway_services services,
            gateway_options options, log out);
    ~gateway();
    gateway(const gateway&) = delete;
    gateway& operator=(const gateway&) = delete;

    [[nodiscard]] boost::asio::awaitable<http::response> answer(http::request asked);

    // Ends every stream with the frame `server_shutdown`, and refuses new ones.
    void farewell();
    [[nodiscard]] std::size_t streams() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owners: streams, which the HTTP server ends
};

}  // namespace headroom::chat
