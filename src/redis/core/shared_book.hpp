// SPDX-License-Identifier: Apache-2.0
// Which of the threads that share one connection is owed which reply, what is still to be written,
// and what has become of each call when the connection ends. No socket, no lock, no thread: whoever
// reads and writes for all of them tells this book what happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"
#include "redis/core/command.hpp"
#include "redis/core/reply_pairing.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

// Why a call ended without its replies, and whether it may have run.
struct call_failure {
    enum class outcome : std::uint8_t {
        not_sent,  // certainly not
        unknown,
        nonsense,  // perhaps: the server's bytes made no sense
    };
    outcome what;
    std::string detail;
};

// A reply nobody is owed: the connection is of no more use.
struct stray_reply {
    bool is_error = false;  // the server said why it hangs up: too many clients
    std::string detail;
};

// One thread's commands and where their replies go, in the frame of its call. When it has ended or
// been withdrawn, no book knows it any more.
struct shared_call {
    // One reply for each command, written to `into`; both outlive the call. At least one command.
    shared_call(std::span<const command> what, value* into, deadline until);
    shared_call(const shared_call&) = delete;
    shared_call& operator=(const shared_call&) = delete;

    std::span<const command> commands;
    value* replies;
    deadline by;
    std::size_t bytes = 0;
    std::optional<call_failure> failure;  // set when it ended without all its replies
    bool has_ended = false;

    // The holder's: a book, or a list of calls.
    shared_call* previous = nullptr;
    shared_call* next = nullptr;
    bool is_encoded = false;
    std::uint64_t begins_at = 0;  // of its first byte in the connection's stream
    reply_pairing<shared_call>::ticket ticket = 0;
    std::size_t filled = 0;  // replies that have come
};

// A queue through the calls themselves.
class shared_call_list {
public:
    shared_call_list() = default;
    shared_call_list(shared_call_list&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)),
          last_(std::exchange(other.last_, nullptr)) {}
    shared_call_list& operator=(shared_call_list&& other) noexcept {
        first_ = std::exchange(other.first_, nullptr);
        last_ = std::exchange(other.last_, nullptr);
        return *this;
    }

    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] shared_call* front() const { return first_; }
    void push_back(shared_call& call);
    void remove(shared_call& call);
    shared_call* pop_front();

private:
    shared_call* first_ = nullptr;
    shared_call* last_ = nullptr;
};

class shared_book {
public:
    // In order, after all that are there.
    void queue(shared_call& call);
    [[nodiscard]] bool has_queued() const { return !queued_.empty(); }

    // Appends the wire form of all that is queued; from now on their replies are due.
    void encode_queued(std::string& out);
    // So many bytes of what was encoded have left for the server.
    void on_sent(std::size_t bytes) { sent_ += bytes; }

    // A reply has come. The call it completes, if any, joins `ended`.
    [[nodiscard]] std::optional<stray_reply> on_reply(value&& reply, shared_call_list& ended);

    // Its thread gives up, for this reason: not_sent while it is queued, else unknown, and its
    // replies will be swallowed. The call has ended.
    void withdraw(shared_call& call, std::string_view why);

    // The connection is gone. Calls whose bytes may have left end with `why`, unknown or nonsense,
    // and join `ended`; the others are as they were before queue(), in order.
    [[nodiscard]] shared_call_list lose(const call_failure& why, shared_call_list& ended);

    // Whose turn is next, and so who should read for all; null when nobody is left.
    [[nodiscard]] shared_call* oldest() const;
    // Nothing is queued and no reply is due, not even to those who gave up.
    [[nodiscard]] bool empty() const { return queued_.empty() && pairing_.empty(); }
    // Replies that have not come yet, those to nobody too.
    [[nodiscard]] std::size_t due() const { return pairing_.due(); }
    // Commands queued or in flight.
    [[nodiscard]] std::size_t outstanding() const { return commands_queued_ + pairing_.due(); }
    [[nodiscard]] std::size_t bytes_queued() const { return bytes_queued_; }

private:
    void leave_queue(shared_call& call);
    static void end(shared_call& call, shared_call_list& ended);

    shared_call_list queued_;
    shared_call_list in_flight_;
    reply_pairing<shared_call> pairing_;
    std::size_t commands_queued_ = 0;
    std::size_t bytes_queued_ = 0;
    std::uint64_t encoded_ = 0;  // bytes of the connection's stream so far
    std::uint64_t sent_ = 0;
};

}  // namespace headroom::redis
