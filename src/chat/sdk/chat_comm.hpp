// SPDX-License-Identifier: Apache-2.0
// Emits events into one session's stream from a process that is no worker: opens nothing before the
// first emit, then exactly one connection, kept and replaced by itself. Not what an event says.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/emit_buffer.hpp"
#include "chat/core/stream_event.hpp"
#include "chat/sdk/comm_spec.hpp"

namespace headroom::chat {

class chat_comm {
public:
    // `loop` is run by one thread of the caller's. Resolves no name and opens no socket.
    chat_comm(boost::asio::any_io_executor loop, comm_spec spec, emit_bounds bounds = {});
    // close() first, when anything was emitted.
    ~chat_comm();
    chat_comm(const chat_comm&) = delete;
    chat_comm& operator=(const chat_comm&) = delete;

    // From any thread; never waits. Events of one thread keep their order. buffer_full; closed,
    // also when Redis refuses for good (the password, an ACL, a key of another type);
    // text_rejected for what is too long or no record.
    [[nodiscard]] result<void> emit(outgoing_event event);

    // Event loop: true when all that was accepted before is delivered, before `by`.
    [[nodiscard]] boost::asio::awaitable<bool> flush(deadline by);
    // Event loop: flushes, closes the connection, and has ended by `by`, or 0.3 s later where that
    // leaves no time for a server that does not answer. Later emits are refused.
    [[nodiscard]] boost::asio::awaitable<void> close(deadline by);

    // From any thread.
    [[nodiscard]] emit_stats stats() const;
    [[nodiscard]] std::optional<error> last_error() const;  // of publishing, for people
    [[nodiscard]] const comm_spec& spec() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owner: the task that publishes
};

}  // namespace headroom::chat
