// SPDX-License-Identifier: Apache-2.0
#include "net/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace headroom::net {

namespace asio = boost::asio;

struct deadline_guard::state {
    state(const asio::any_io_executor& executor, std::function<void()> act)
        : timer(executor), on_expiry(std::move(act)) {}
    asio::steady_timer timer;
    std::function<void()> on_expiry;  // empty once it was called, or the guard is gone
    bool expired = false;
};

deadline_guard::deadline_guard(asio::any_io_executor executor, deadline by,
                               std::function<void()> on_expiry)
    : state_(std::make_shared<state>(executor, std::move(on_expiry))) {
    if (by == deadline::max()) return;
    state_->timer.expires_at(by);
    state_->timer.async_wait([held = state_](boost::system::error_code ec) {
        if (ec || !held->on_expiry) return;
        held->expired = true;
        auto act = std::move(held->on_expiry);
        held->on_expiry = nullptr;
        act();
    });
}

deadline_guard::~deadline_guard() {
    state_->on_expiry = nullptr;
    state_->timer.cancel();
}

bool deadline_guard::has_expired() const {
    return state_->expired;
}

asio::awaitable<void> sleep_until(deadline by) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_at(by);
    (void)co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace headroom::net
