// SPDX-License-Identifier: Apache-2.0
#include "net/event.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace headroom::net {

namespace asio = boost::asio;

event::event(asio::any_io_executor executor) : state_(std::make_shared<state>(executor)) {}

void event::set() {
    state_->set = true;
    for (auto* waiter = state_->waiters; waiter != nullptr; waiter = waiter->next) {
        waiter->timer->cancel();
    }
}

asio::awaitable<bool> event::wait(deadline by) {
    auto held = state_;
    if (held->set) co_return true;

    asio::steady_timer timer(held->executor, by);
    state::node self{&timer, held->waiters};
    held->waiters = &self;
    // Unlinks on every way out, also when the coroutine is destroyed while it waits.
    struct unlink {
        std::shared_ptr<state> from;
        state::node* self;
        ~unlink() {
            auto** at = &from->waiters;
            while (*at != nullptr && *at != self) {
                at = &(*at)->next;
            }
            if (*at == self) *at = self->next;
        }
    } guard{held, &self};

    // A set followed at once by a reset must not be lost: it has cancelled the timer, so the wait
    // ends early.
    const auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (held->set) co_return true;
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    co_return ec == asio::error::operation_aborted&& cancellation.cancelled() ==
        asio::cancellation_type::none;
}

}  // namespace headroom::net
