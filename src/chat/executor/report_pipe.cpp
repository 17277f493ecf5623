// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/report_pipe.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "chat/executor/owned_descriptor.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

report_pipe::report_pipe(const asio::any_io_executor& loop, std::function<void()> on_gone)
    : loop_(loop), out_(loop), is_free_(loop), on_gone_(std::move(on_gone)) {
    is_free_.set();
}

bool report_pipe::open(int descriptor) {
    if (!has_two_ends(descriptor)) return false;
    boost::system::error_code ec;
    out_.assign(descriptor, ec);
    return !ec;
}

asio::awaitable<bool> report_pipe::send(std::string line, deadline by) {
    line += '\n';
    while (!is_gone_ && !is_free_.is_set()) {
        const bool woken = co_await is_free_.wait(by);
        if (!woken) co_return false;
    }
    if (is_gone_) co_return false;
    is_free_.reset();
    const net::deadline_guard guard(loop_, by, [this] {
        boost::system::error_code ignored;
        out_.cancel(ignored);
    });
    const auto [ec, size] =
        co_await asio::async_write(out_, asio::buffer(line), asio::as_tuple(asio::use_awaitable));
    // Also after a part of the line: what came behind it could not be read.
    if (ec) give_up();
    is_free_.set();
    co_return !ec;
}

void report_pipe::give_up() {
    if (std::exchange(is_gone_, true)) return;
    if (on_gone_) on_gone_();
}

}  // namespace headroom::chat
