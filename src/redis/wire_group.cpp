// SPDX-License-Identifier: Apache-2.0
#include "redis/wire_group.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "redis/wire.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {
constexpr auto look_interval_min = std::chrono::milliseconds(1);
constexpr std::size_t spare_buffers_max = 2;
}  // namespace

wire_group::wire_group(asio::any_io_executor executor, clock::duration silence_max)
    : executor_(std::move(executor)), silence_max_(silence_max), timer_(executor_) {}

wire_group::~wire_group() {
    while (auto* x = ended_.pop_front())
        x->caller.drop();
}

// --- Deadlines ---

// Most exchanges end long before their deadline, so that nothing is done when one ends: the timer
// is left as it is, and looks at what is outstanding when it fires.
void wire_group::arm(deadline wanted) {
    armed_for_ = wanted;
    timer_.expires_at(std::max(wanted, no_look_before_));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (!ec && self) self->on_timer();
    });
}

void wire_group::on_timer() {
    begin_turn();
    armed_for_ = deadline::max();
    const auto now = turn_began_;
    auto earliest = deadline::max();
    for (auto* each : holders_)
        earliest = std::min(earliest, each->expire(now));
    const auto ended = clock::now();
    no_look_before_ = ended + std::max<clock::duration>(look_interval_min, 10 * (ended - now));
    // What expired may have brought others somewhere else meanwhile.
    if (earliest < armed_for_) arm(earliest);
    end_turn();
}

// --- Turns ---

void wire_group::fail(exchange& x, redis_errc code, std::string detail) {
    traffic.count(outcome_of(code), x.commands.size() - x.filled);
    x.failure = error{code, std::move(detail)};
    x.holder = nullptr;
    resume(x);
}

void wire_group::resume(exchange& x) {
    ended_.push_back(x);
    schedule();
}

void wire_group::flush_at_end_of_turn(std::shared_ptr<wire> w) {
    to_flush_.push_back(std::move(w));
    schedule();
}

void wire_group::read_at_end_of_turn(std::shared_ptr<wire> w) {
    to_read_.push_back(std::move(w));
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
    at_hand_.swap(to_flush_);
    for (const auto& each : at_hand_)
        each->flush();
    at_hand_.clear();
    at_hand_.swap(to_read_);
    for (const auto& each : at_hand_)
        each->read();
    at_hand_.clear();
    is_in_turn_ = false;
    if (!ended_.empty() || !to_flush_.empty() || !to_read_.empty()) schedule();
}

// --- Buffers ---

std::unique_ptr<char[]> wire_group::lend_buffer() {
    if (buffers_.empty()) return std::make_unique_for_overwrite<char[]>(read_bytes);
    auto lent = std::move(buffers_.back());
    buffers_.pop_back();
    return lent;
}

void wire_group::take_back_buffer(std::unique_ptr<char[]> buffer) {
    if (buffer && buffers_.size() < spare_buffers_max) buffers_.push_back(std::move(buffer));
}

}  // namespace headroom::redis
