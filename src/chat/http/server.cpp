// SPDX-License-Identifier: Apache-2.0
#include "chat/http/server.hpp"

#include <sys/socket.h>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "chat/http/request_reader.hpp"
#include "chat/http/response_head.hpp"
#include "net/deadline.hpp"
#include "net/event.hpp"
#include "net/net_error.hpp"
#include "net/task_group.hpp"

namespace headroom::chat::http {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t linger_bytes_max = 512 * 1024;
constexpr auto linger_time = std::chrono::seconds(2);
constexpr auto accept_pause = std::chrono::milliseconds(100);  // after EMFILE and its like

tcp protocol_of(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    return address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
}

std::string address_of(const tcp::socket& socket) {
    boost::system::error_code ec;
    const auto remote = socket.remote_endpoint(ec);
    return ec ? std::string("unknown") : remote.address().to_string();
}

std::string dated_head(const response& of, head_options options) {
    options.date = std::chrono::system_clock::now();
    return response_head(of, options);
}

// Event loop only. Its task and, for a stream, the task that watches the peer share it.
class connection final : public body_writer {
public:
    connection(tcp::socket connected, request_reader::limits bounds)
        : socket_(std::move(connected)), reader(bounds, address_of(socket_)) {}

    asio::awaitable<result<std::string_view>> read(deadline by) {
        net::deadline_guard guard(socket_.get_executor(), by, [this] { cancel(); });
        const auto [ec, size] = co_await socket_.async_read_some(asio::buffer(chunk_), quietly);
        if (guard.has_expired()) co_return failure(net::net_errc::timeout, "nothing was read");
        if (ec) co_return failure(ec, "reading from the client");
        co_return std::string_view(chunk_.data(), size);
    }

    asio::awaitable<result<void>> write_all(std::string head, std::string body, deadline by) {
        net::deadline_guard guard(socket_.get_executor(), by, [this] { cancel(); });
        const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(body)};
        const auto [ec, size] = co_await asio::async_write(socket_, parts, quietly);
        if (guard.has_expired())
            co_return failure(net::net_errc::timeout, "the client does not take what it asked for");
        if (ec) co_return failure(ec, "writing to the client");
        co_return result<void>{};
    }

    asio::awaitable<result<void>> write(std::string bytes, deadline by) override {
        if (is_closed_) co_return failure(net::net_errc::connect_failed, "the client is gone");
        co_return co_await write_all({}, std::move(bytes), by);
    }

    void on_close(std::function<void()> told) override {
        told_ = std::move(told);
        if (is_closed_ && told_) std::exchange(told_, {})();
    }
    void note_closed() {
        is_closed_ = true;
        if (told_) std::exchange(told_, {})();
    }

    void cancel() {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }
    void close() {
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_both, ignored);
        socket_.close(ignored);
    }
    void end_sending() {
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

private:
    tcp::socket socket_;
    std::array<char, 8192> chunk_{};
    std::function<void()> told_;
    bool is_closed_ = false;

public:
    request_reader reader;
    bool is_idle = true;  // between two requests
};

// Reads until the peer has let go: a stream's client sends nothing more.
asio::awaitable<void> watch(std::shared_ptr<connection> on) {
    for (;;) {
        const auto read = co_await on->read(deadline::max());
        if (!read) break;
    }
    on->note_closed();
}

// Closing while bytes are unread would reset the connection and may take our answer from the
// client.
asio::awaitable<void> linger(connection& on) {
    on.end_sending();
    const auto by = clock::now() + linger_time;
    std::size_t seen = 0;
    while (seen < linger_bytes_max) {
        const auto read = co_await on.read(by);
        if (!read) co_return;
        seen += read->size();
    }
}

}  // namespace

struct server::state : std::enable_shared_from_this<server::state> {
    state(const asio::any_io_executor& on, int listen_fd, server_options given, handler answerer)
        : options(std::move(given)),
          answer(std::move(answerer)),
          acceptor(on),
          tasks(on),
          has_room(on) {
        acceptor.assign(protocol_of(listen_fd), listen_fd);
        has_room.set();
    }

    asio::awaitable<void> accept_all();
    asio::awaitable<void> serve(std::shared_ptr<connection> on);
    asio::awaitable<void> serve_requests(std::shared_ptr<connection> on);
    asio::awaitable<bool> read_request(connection& on);
    asio::awaitable<bool> respond(std::shared_ptr<connection> on, request asked);
    asio::awaitable<response> ask(request asked);
    void stop_accepting();

    server_options options;
    handler answer;
    tcp::acceptor acceptor;
    net::task_group tasks;
    net::event has_room;
    std::set<std::shared_ptr<connection>> open;
    bool is_draining = false;
    bool is_cut = false;
};

asio::awaitable<void> server::state::accept_all() {
    const auto self = shared_from_this();
    while (acceptor.is_open()) {
        if (open.size() >= options.connections_max) has_room.reset();
        const bool room = co_await has_room.wait(deadline::max());
        if (!room || !acceptor.is_open()) co_return;

        auto [ec, socket] = co_await acceptor.async_accept(quietly);
        if (!acceptor.is_open()) co_return;
        if (ec == asio::error::operation_aborted) co_return;
        if (ec) {
            co_await net::sleep_until(clock::now() + accept_pause);
            continue;
        }
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        auto accepted = std::make_shared<connection>(
            std::move(socket), request_reader::limits{.header_bytes_max = options.header_bytes_max,
                                                      .body_bytes_max = options.body_bytes_max});
        open.insert(accepted);
        tasks.spawn("http: connection", serve(std::move(accepted)));
    }
}

asio::awaitable<void> server::state::serve(std::shared_ptr<connection> on) {
    const auto self = shared_from_this();
    co_await serve_requests(on);
    on->note_closed();
    on->close();
    open.erase(on);
    has_room.set();
}

asio::awaitable<void> server::state::serve_requests(std::shared_ptr<connection> on) {
    for (;;) {
        const bool is_read = co_await read_request(*on);
        if (!is_read) co_return;
        auto asked = on->reader.take();
        const bool goes_on = co_await respond(on, std::move(asked));
        if (!goes_on) co_return;
    }
}

// True when a request is complete; false when the connection is to be closed.
asio::awaitable<bool> server::state::read_request(connection& on) {
    auto by = clock::now() + options.idle_timeout;
    on.is_idle = on.reader.is_between_requests();
    auto now = on.reader.proceed();
    if (!on.is_idle) by = clock::now() + options.request_timeout;
    for (;;) {
        if (is_cut) co_return false;
        switch (now) {
            case reading::complete:
                on.is_idle = false;
                co_return true;
            case reading::expects_continue: {
                const auto told = co_await on.write_all("HTTP/1.1 100 Continue\r\n\r\n", {}, by);
                if (!told) co_return false;
                now = on.reader.proceed();
                continue;
            }
            case reading::refused: {
                on.is_idle = false;
                auto head = dated_head(on.reader.refusal(), {.closes = true});
                const auto told = co_await on.write_all(std::move(head), on.reader.refusal().body,
                                                        clock::now() + options.write_timeout);
                if (told) co_await linger(on);
                co_return false;
            }
            case reading::needs_more:
                break;
        }
        if (on.is_idle && is_draining) co_return false;
        const auto read = co_await on.read(by);
        if (!read) {
            if (on.is_idle || read.error().code != net::net_errc::timeout) co_return false;
            const auto late =
                error_response(408, "request_timeout", "the request did not arrive in time");
            [[maybe_unused]] const auto told =
                co_await on.write_all(dated_head(late, {.closes = true}), late.body,
                                      clock::now() + std::chrono::seconds(1));
            co_return false;
        }
        if (on.is_idle) by = clock::now() + options.request_timeout;
        on.is_idle = false;
        now = on.reader.push(*read);
    }
}

asio::awaitable<response> server::state::ask(request asked) {
    std::string fault;
    try {
        co_return co_await answer(std::move(asked));
    } catch (const std::exception& caught) {
        fault = caught.what();
    }
    if (options.on_fault) options.on_fault(fault);
    co_return error_response(500, "internal", "something went wrong on our side");
}

// True when another request may follow.
asio::awaitable<bool> server::state::respond(std::shared_ptr<connection> on, request asked) {
    const bool is_head = asked.method == "HEAD";
    auto given = co_await ask(std::move(asked));
    if (is_cut) co_return false;

    const bool is_stream = static_cast<bool>(given.stream);
    const bool closes = is_stream || is_draining || !on->reader.keeps_alive();
    auto head = dated_head(given, {.closes = closes, .is_stream = is_stream});
    auto body = is_head || is_stream || given.status == 304 ? std::string{} : std::move(given.body);
    const auto by = clock::now() + options.write_timeout;
    const auto written = co_await on->write_all(std::move(head), std::move(body), by);
    if (!written) co_return false;
    if (!is_stream) co_return !closes;
    if (is_head) co_return false;

    tasks.spawn("http: watch a stream's client", watch(on));
    std::string fault;
    try {
        co_await given.stream(*on);
    } catch (const std::exception& caught) {
        fault = caught.what();
    }
    if (!fault.empty() && options.on_fault) options.on_fault(fault);
    co_return false;
}

void server::state::stop_accepting() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    has_room.set();
}

server::server(asio::any_io_executor executor, int listen_fd, server_options options,
               handler answer)
    : state_(std::make_shared<state>(executor, listen_fd, std::move(options), std::move(answer))) {}

server::~server() {
    HEADROOM_ASSERT(state_->tasks.running().empty(), "http::server destroyed before drain()");
}

void server::start() {
    state_->tasks.spawn("http: accept", state_->accept_all());
}

void server::stop_accepting() {
    state_->stop_accepting();
}

asio::awaitable<void> server::drain(deadline by) {
    const auto held = state_;
    held->stop_accepting();
    held->is_draining = true;
    for (const auto& each : held->open)
        if (each->is_idle) each->cancel();
    const bool all_ended = co_await held->tasks.join(by);
    if (all_ended) co_return;

    held->is_cut = true;
    for (const auto& each : held->open) {
        each->note_closed();
        each->close();
    }
    held->tasks.request_stop();
    co_await held->tasks.join(clock::now() + std::chrono::seconds(2));
}

std::size_t server::connections() const {
    return state_->open.size();
}

}  // namespace headroom::chat::http
