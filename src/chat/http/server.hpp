// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server on one inherited listening socket: accepts, reads requests in order, asks the
// handler, writes responses. Knows no route; no TLS (that is the proxy's part).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "base/time.hpp"
#include "chat/http/message.hpp"

namespace headroom::chat::http {

struct server_options {
    std::size_t connections_max = 1024;  // beyond, new ones wait in the kernel's queue
    std::size_t header_bytes_max = 16 * 1024;
    std::size_t body_bytes_max = 128 * 1024;
    clock::duration request_timeout = std::chrono::seconds(20);  // first byte to the last
    clock::duration idle_timeout = std::chrono::seconds(75);     // between two requests
    clock::duration write_timeout = std::chrono::seconds(20);    // of one response
    // A handler threw: for the log. The client gets a 500 without its words.
    std::function<void(std::string_view what)> on_fault;
};

class server {
public:
    // Owns `listen_fd` from here on; it may be shared with other processes.
    server(boost::asio::any_io_executor executor, int listen_fd, server_options options,
           handler answer);
    // drain() first, if it was started.
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    void start();
    // Closes the listening socket; open connections live on. Idempotent.
    void stop_accepting();
    // Closes idle connections at once, the others after their response; cuts what is left at `by`.
    [[nodiscard]] boost::asio::awaitable<void> drain(deadline by);

    [[nodiscard]] std::size_t connections() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owners: the connections' tasks
};

}  // namespace headroom::chat::http
