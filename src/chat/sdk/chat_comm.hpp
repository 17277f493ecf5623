// SPDX-License-Identifier: Apache-2.0
// Emits events into one session's stream from a process that is no worker: opens nothing before the
// first emit, then exactly one connection, kept and replaced by itself. Not what an event says.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/stream_event.hpp"
#include "chat/sdk/comm_spec.hpp"

namespace headroom::chat {

// While Redis is away events are held in order up to these bounds; beyond them new ones are refused
// with buffer_full and counted, those held stay. When it is back, one event tells how many are
// missing.
struct emit_bounds {
    std::size_t events_max = 1'000;
    std::size_t bytes_max = 1024 * 1024;
    std::size_t event_bytes_max = 32 * 1024;
    std::size_t batch_events_max = 64;  // of one publication
};

struct emit_stats {
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;  // refused with buffer_full
    std::uint64_t held = 0;     // accepted, not delivered yet
};

class chat_comm {
public:
    // `loop` is run by one thread of the caller's. Resolves no name and opens no socket.
    chat_comm(boost::asio::any_io_executor loop, comm_spec spec, emit_bounds bounds = {});
    // close() first, when anything was emitted.
    ~chat_comm();
    chat_comm(const chat_comm&) = delete;
    chat_comm& operator=(const chat_comm&) = delete;

    // From any thread; never waits. Events of one thread keep their order. buffer_full, closed, or
    // text_rejected for an event that is too long.
    [[nodiscard]] result<void> emit(outgoing_event event);

    // Event loop: true when all that was accepted before is delivered, before `by`.
    [[nodiscard]] boost::asio::awaitable<bool> flush(deadline by);
    // Event loop: flushes until `by`, then closes the connection; later emits are refused.
    [[nodiscard]] boost::asio::awaitable<void> close(deadline by);

    [[nodiscard]] emit_stats stats() const;  // from any thread
    [[nodiscard]] const comm_spec& spec() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owner: the task that publishes
};

}  // namespace headroom::chat
