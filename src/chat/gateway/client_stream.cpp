// SPDX-License-Identifier: Apache-2.0
#include "chat/gateway/client_stream.hpp"

#include <string_view>
#include <utility>

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr std::string_view reconnect_after = "retry: 2000\n\n";
constexpr std::string_view still_here = ": keep-alive\n\n";
constexpr std::string_view too_slow = ": ended, too_slow: reconnect with Last-Event-ID\n\n";

}  // namespace

client_stream::client_stream(asio::any_io_executor executor, client_stream_options options)
    : options_(options), buffer_(options.bounds), has_news_(std::move(executor)) {}

void client_stream::deliver(const stream_event& event) {
    if (is_ending_) return;
    buffer_.push(event);
    has_news_.set();
}

void client_stream::end_with(const stream_event& last) {
    deliver(last);
    is_ending_ = true;
    has_news_.set();
}

asio::awaitable<void> client_stream::run(http::body_writer& to) {
    const auto self = shared_from_this();
    to.on_close([weak = weak_from_this()] {
        if (const auto stream = weak.lock()) {
            stream->is_gone_ = true;
            stream->has_news_.set();
        }
    });
    std::string batch(reconnect_after);
    for (;;) {
        batch += buffer_.take();
        if (buffer_.is_too_slow()) batch += too_slow;
        const bool is_last = is_ending_ || buffer_.is_too_slow();
        if (!batch.empty()) {
            const auto written =
                co_await to.write(std::exchange(batch, {}), clock::now() + options_.write_timeout);
            if (!written || is_gone_) break;
        }
        // Events may have come, and the stream may have been ended, during the write.
        if (is_last) break;
        if (!buffer_.is_empty() || is_ending_) continue;
        has_news_.reset();
        const bool woken = co_await has_news_.wait(clock::now() + options_.keep_alive);
        if (is_gone_) break;
        if (!woken) batch = still_here;
    }
    place_.reset();
}

}  // namespace headroom::chat
