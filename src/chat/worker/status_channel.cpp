// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/status_channel.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t unsent_bytes_max = 1024 * 1024;

}  // namespace

// Event loop only.
struct status_channel::state : std::enable_shared_from_this<status_channel::state> {
    state(const asio::any_io_executor& on, int descriptor, std::function<void()> told)
        : socket(on), tasks(on), has_news(on), all_sent(on), on_gone(std::move(told)) {
        all_sent.set();
        if (descriptor >= 0) socket.assign(asio::local::stream_protocol(), descriptor);
    }

    asio::awaitable<void> read_to_end();
    asio::awaitable<void> write_lines();
    void close() {
        boost::system::error_code ignored;
        socket.close(ignored);
    }

    asio::local::stream_protocol::socket socket;
    net::task_group tasks;
    net::event has_news;
    net::event all_sent;
    std::function<void()> on_gone;
    std::string unsent;
    bool is_stopping = false;
};

asio::awaitable<void> status_channel::state::read_to_end() {
    const auto self = shared_from_this();
    std::array<char, 256> ignored{};
    for (;;) {
        const auto [ec, size] = co_await socket.async_read_some(asio::buffer(ignored), quietly);
        if (ec) break;
    }
    if (!is_stopping && on_gone) on_gone();
}

asio::awaitable<void> status_channel::state::write_lines() {
    const auto self = shared_from_this();
    while (socket.is_open()) {
        if (unsent.empty()) {
            all_sent.set();
            has_news.reset();
            const bool woken = co_await has_news.wait(deadline::max());
            if (!woken) co_return;
            continue;
        }
        const std::string batch = std::exchange(unsent, {});
        const auto [ec, size] = co_await asio::async_write(socket, asio::buffer(batch), quietly);
        if (ec) break;
    }
    all_sent.set();
}

status_channel::status_channel(asio::any_io_executor executor, int descriptor,
                               std::function<void()> on_supervisor_gone)
    : state_(std::make_shared<state>(executor, descriptor, std::move(on_supervisor_gone))) {
    if (descriptor < 0) return;
    state_->tasks.spawn("status: read", state_->read_to_end());
    state_->tasks.spawn("status: write", state_->write_lines());
}

status_channel::~status_channel() {
    HEADROOM_ASSERT(state_->tasks.running().empty(), "status_channel destroyed before stop()");
}

void status_channel::send(const boost::json::object& frame) {
    if (!state_->socket.is_open() || state_->unsent.size() > unsent_bytes_max) return;
    state_->unsent += boost::json::serialize(frame);
    state_->unsent += '\n';
    state_->all_sent.reset();
    state_->has_news.set();
}

asio::awaitable<void> status_channel::stop(deadline by) {
    const auto held = state_;
    held->is_stopping = true;
    co_await held->all_sent.wait(by);
    held->close();
    held->tasks.request_stop();
    co_await held->tasks.join(clock::now() + std::chrono::seconds(1));
}

}  // namespace headroom::chat
