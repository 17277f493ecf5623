// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/order_pipe.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "chat/executor/owned_descriptor.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
using piece = std::array<char, 16UL * 1024>;

std::unexpected<error> no_order(std::string why) {
    return failure(std::make_error_code(std::errc::bad_message), std::move(why));
}

}  // namespace

order_pipe::order_pipe(const asio::any_io_executor& loop) : loop_(loop), in_(loop) {}

bool order_pipe::open(int descriptor) {
    if (!has_two_ends(descriptor)) return false;
    boost::system::error_code ec;
    in_.assign(descriptor, ec);
    return !ec;
}

void order_pipe::cancel() {
    boost::system::error_code ignored;
    in_.cancel(ignored);
}

asio::awaitable<result<std::string>> order_pipe::order(deadline by) {
    const net::deadline_guard guard(loop_, by, [this] { cancel(); });
    piece bytes;
    for (;;) {
        if (auto line = lines_.next()) co_return std::move(*line);
        if (lines_.is_overlong())
            co_return no_order(fmt::format("the order is longer than {} bytes", request_bytes_max));
        const auto [ec, size] = co_await in_.async_read_some(asio::buffer(bytes), quietly);
        if (ec == asio::error::operation_aborted)
            co_return no_order("no whole order came on standard input in time");
        if (ec) co_return no_order("standard input ended before a whole order had come");
        lines_.push({bytes.data(), size});
    }
}

asio::awaitable<bool> order_pipe::watch(std::function<void()> on_cancel,
                                        std::function<void()> on_other) {
    piece bytes;
    for (;;) {
        while (const auto line = lines_.next())
            *line == cancel_line ? on_cancel() : on_other();
        const auto [ec, size] = co_await in_.async_read_some(asio::buffer(bytes), quietly);
        if (ec) co_return ec != asio::error::operation_aborted;
        lines_.push({bytes.data(), size});
    }
}

}  // namespace headroom::chat
