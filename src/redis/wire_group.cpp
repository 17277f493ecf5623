// SPDX-License-Identifier: Apache-2.0
#include "redis/wire_group.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "redis/wire.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

wire_group::wire_group(asio::any_io_executor executor, clock::duration silence_max)
    : executor_(std::move(executor)), silence_max_(silence_max), timer_(executor_) {}

wire_group::~wire_group() {
    while (auto* x = ended_.pop_front())
        x->caller.drop();
}

void wire_group::watch(exchange& x) {
    by_deadline_.push_back(&x);
    x.expiry_index = by_deadline_.size() - 1;
    sift_up(x.expiry_index);
    if (by_deadline_.front()->by < armed_for_) arm();
}

void wire_group::unwatch(exchange& x) {
    const auto hole = x.expiry_index;
    auto& last = *by_deadline_.back();
    by_deadline_.pop_back();
    if (&last == &x) return;
    place(hole, last);
    sift_up(hole);
    sift_down(last.expiry_index);
}

void wire_group::place(std::size_t index, exchange& x) {
    by_deadline_[index] = &x;
    x.expiry_index = index;
}

void wire_group::sift_up(std::size_t index) {
    auto& moving = *by_deadline_[index];
    while (index > 0 && moving.by < by_deadline_[(index - 1) / 2]->by) {
        place(index, *by_deadline_[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(index, moving);
}

void wire_group::sift_down(std::size_t index) {
    auto& moving = *by_deadline_[index];
    for (;;) {
        auto child = index * 2 + 1;
        if (child >= by_deadline_.size()) break;
        if (child + 1 < by_deadline_.size() &&
            by_deadline_[child + 1]->by < by_deadline_[child]->by) {
            ++child;
        }
        if (moving.by <= by_deadline_[child]->by) break;
        place(index, *by_deadline_[child]);
        index = child;
    }
    place(index, moving);
}

// Most exchanges end long before their deadline, so the timer is left as it is when the earliest
// one ends, and looks again when it fires.
void wire_group::arm() {
    armed_for_ = by_deadline_.front()->by;
    timer_.expires_at(armed_for_);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (!ec && self) self->on_timer();
    });
}

void wire_group::on_timer() {
    begin_turn();
    armed_for_ = deadline::max();
    const auto now = clock::now();
    while (!by_deadline_.empty() && by_deadline_.front()->by <= now) {
        auto& x = *by_deadline_.front();
        x.holder->withdraw(x, "its deadline has passed");
    }
    if (!by_deadline_.empty()) arm();
    end_turn();
}

void wire_group::resume(exchange& x) {
    ended_.push_back(x);
    schedule();
}

void wire_group::flush_at_end_of_turn(std::shared_ptr<wire> w) {
    to_flush_.push_back(std::move(w));
    schedule();
}

void wire_group::schedule() {
    if (is_in_turn_ || is_scheduled_) return;
    is_scheduled_ = true;
    asio::post(executor_, [self = shared_from_this()] {
        self->is_scheduled_ = false;
        self->begin_turn();
        self->end_turn();
    });
}

void wire_group::end_turn() {
    const auto self = shared_from_this();
    // Who ends while others run waits for the next turn, so that no turn lasts for ever.
    auto ended = std::move(ended_);
    while (auto* x = ended.pop_front())
        x->caller.call();
    const auto to_flush = std::exchange(to_flush_, {});
    for (const auto& each : to_flush)
        each->flush();
    is_in_turn_ = false;
    if (!ended_.empty() || !to_flush_.empty()) schedule();
}

}  // namespace headroom::redis
