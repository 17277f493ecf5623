// SPDX-License-Identifier: Apache-2.0
// One caller's commands, the replies it waits for, and the caller itself, in its own coroutine's
// frame: no allocation and no type-erased handler for each command. Included by .cpp files only.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "redis/core/command.hpp"
#include "redis/core/reply_pairing.hpp"
#include "redis/core/reply_view.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

struct exchange;

// Whoever has an exchange now: a wire, or the lane's queue of those without a wire. Added to its
// group, which asks it to expire().
class exchange_holder {
public:
    // The caller gives up, or its deadline has passed. The exchange ends; its replies, if any come,
    // are nobody's.
    virtual void withdraw(exchange& x, std::string_view why) = 0;
    // Withdraws those whose deadline is not after `now`; returns the earliest deadline of the rest.
    [[nodiscard]] virtual deadline expire(clock::time_point now) = 0;

protected:
    ~exchange_holder() = default;
};

// Where a caller brings an exchange. Never resumes the caller from inside accept().
class exchange_sink {
public:
    virtual void accept(exchange& x) = 0;

protected:
    ~exchange_sink() = default;
};

// The suspended caller: a completion handler moved into this buffer, called or dropped once.
class stored_handler {
public:
    stored_handler() = default;
    stored_handler(const stored_handler&) = delete;
    stored_handler& operator=(const stored_handler&) = delete;
    ~stored_handler() { HEADROOM_ASSERT(act_ == nullptr, "a caller is resumed or dropped first"); }

    template <class Handler>
    void emplace(Handler&& handler) {
        using stored = std::decay_t<Handler>;
        static_assert(sizeof(stored) <= sizeof(space_));
        ::new (static_cast<void*>(space_)) stored(std::forward<Handler>(handler));
        act_ = [](std::byte* space, bool is_called) {
            auto* at = std::launder(reinterpret_cast<stored*>(space));
            // The handler owns the frame this buffer is in: it must not run or die in place.
            stored moved(std::move(*at));
            at->~stored();
            if (is_called) std::move(moved)();
        };
    }
    void call() { std::exchange(act_, nullptr)(space_, true); }
    // Destroys the caller's coroutine without resuming it.
    void drop() {
        if (act_ != nullptr) std::exchange(act_, nullptr)(space_, false);
    }

private:
    alignas(std::max_align_t) std::byte space_[48];
    void (*act_)(std::byte*, bool) = nullptr;
};

struct exchange {
    // One reply for each command, written to `replies`; both outlive the exchange.
    exchange(std::span<const command> what, value* into, deadline until)
        : commands(what), replies(into), by(until) {
        for (const auto& each : commands)
            bytes += each.encoded_size();
    }
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    std::span<const command> commands;
    value* replies;
    deadline by;
    std::size_t bytes = 0;
    const reply_visitor* visitor = nullptr;  // is shown the replies that are no errors instead
    std::optional<error> failure;            // set when it ended without all replies

    // The holder only.
    exchange_holder* holder = nullptr;  // null: not begun, or ended and about to be resumed
    exchange* previous = nullptr;
    exchange* next = nullptr;
    clock::time_point since{};    // it came to its present holder
    bool is_encoded = false;      // its bytes are among those being written
    std::uint64_t begins_at = 0;  // of its first byte in the wire's stream
    reply_pairing<exchange>::ticket ticket = 0;
    std::size_t filled = 0;  // replies that have come
    stored_handler caller;
};

// A queue through the exchanges themselves.
class exchange_list {
public:
    exchange_list() = default;
    exchange_list(exchange_list&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)),
          last_(std::exchange(other.last_, nullptr)) {}
    exchange_list& operator=(exchange_list&& other) noexcept {
        first_ = std::exchange(other.first_, nullptr);
        last_ = std::exchange(other.last_, nullptr);
        return *this;
    }

    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] exchange* front() const { return first_; }
    void push_back(exchange& x) {
        x.previous = last_;
        x.next = nullptr;
        (last_ != nullptr ? last_->next : first_) = &x;
        last_ = &x;
    }
    void remove(exchange& x) {
        (x.previous != nullptr ? x.previous->next : first_) = x.next;
        (x.next != nullptr ? x.next->previous : last_) = x.previous;
        x.previous = x.next = nullptr;
    }
    exchange* pop_front() {
        auto* x = first_;
        if (x != nullptr) remove(*x);
        return x;
    }

private:
    exchange* first_ = nullptr;
    exchange* last_ = nullptr;
};

// `co_await submission{x, sink}`: returns when x has its replies or its failure.
struct submission {
    exchange& x;
    exchange_sink& sink;

    template <boost::asio::completion_token_for<void()> Token>
    auto operator()(Token&& token) {
        return boost::asio::async_initiate<Token, void()>(
            [](auto handler, exchange* x, exchange_sink* sink) {
                auto slot = boost::asio::get_associated_cancellation_slot(handler);
                x->caller.emplace(std::move(handler));
                if (slot.is_connected()) {
                    slot.assign([x](boost::asio::cancellation_type) {
                        if (x->holder != nullptr) x->holder->withdraw(*x, "cancelled");
                    });
                }
                sink->accept(*x);
            },
            token, &x, &sink);
    }
};

}  // namespace headroom::redis
