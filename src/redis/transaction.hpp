// SPDX-License-Identifier: Apache-2.0
// Transactions that watch keys: read, decide, and write only if nobody changed what was read. On a
// lease, since what is watched belongs to a connection. Without anything to watch,
// client::atomic does it on the shared lane.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/typed_call.hpp"

namespace headroom::redis {

// From WATCH to EXEC, on one leased connection and within the one deadline of its call. Event loop
// only, one operation at a time; the client outlives it. Left without commit() or discard(), it
// closes its connection: a destructor cannot wait for UNWATCH to be answered, and a connection that
// still watches must not reach the next caller. An operation whose reply does not come ends it, and
// closes the connection, too.
class transaction {
public:
    // Waits for a lease and watches the keys; with none, only watch() does.
    [[nodiscard]] static boost::asio::awaitable<result<transaction>> begin(
        client& through, std::vector<std::string> watched, call how);

    // More keys: those that reading the first ones has shown.
    [[nodiscard]] boost::asio::awaitable<result<void>> watch(std::vector<std::string> keys);

    // Runs now, before MULTI: what is read here decides what is queued. A server error is the error
    // and leaves the transaction usable.
    [[nodiscard]] boost::asio::awaitable<result<value>> execute(command what);
    template <class T>
    [[nodiscard]] boost::asio::awaitable<result<T>> execute(typed_command<T> typed) {
        auto reply = co_await execute(std::move(typed.what));
        co_return read_reply(typed.name, typed.reader, std::move(reply));
    }

    // For commit(). Blocking and session-changing commands are refused with not_allowed, more than
    // the client's lane_commands_max or lane_bytes_max with queue_full.
    [[nodiscard]] result<void> queue(command what);
    template <class T>
    [[nodiscard]] result<void> queue(typed_command<T> typed) {
        return queue(std::move(typed.what));
    }

    // MULTI, what was queued, and EXEC in one write; the values are those of the queued commands,
    // with the errors of single ones among them. `conflict`: somebody else changed a watched key,
    // and nothing ran. server_error or refused: a command was refused when it was queued (the error
    // says which), and nothing ran. unknown: the connection was lost, or the deadline passed, after
    // it was sent: all of it has run, or nothing. not_sent: nothing ran. The transaction has ended
    // in any case. With nothing queued it says whether what was read is still so.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> commit();

    // Writes nothing and gives the connection back for the next caller. Ends the transaction.
    [[nodiscard]] boost::asio::awaitable<result<void>> discard();

    [[nodiscard]] std::size_t queued() const { return queued_.size(); }
    enum class state : std::uint8_t { open, committed, discarded, broken };
    // `committed` says that commit() was called, not what came of it.
    [[nodiscard]] state current() const { return state_; }

private:
    struct bounds {
        std::size_t commands_max = 0;
        std::size_t bytes_max = 0;
    };
    transaction(exclusive_connection held, const client_options& options, deadline by);
    [[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> exchange(
        std::vector<command> what);
    void end(state how, std::string why);
    [[nodiscard]] std::unexpected<error> has_ended() const;

    std::optional<exclusive_connection> held_;  // while it is open
    state state_ = state::open;
    std::string ended_by_;
    std::vector<command> queued_;
    std::size_t queued_bytes_ = 0;
    bounds bounds_;
    deadline by_;
};

// Reads and queues; an error ends the attempt, and is what run_transaction returns.
using transaction_body = std::function<boost::asio::awaitable<result<void>>(transaction&)>;

// begin, `body`, commit; again from the start, on another lease and within the deadline: after a
// jittered pause while a watched key is changed by others, `tries_max` times at most; and as
// client::execute does, while the server refuses it for a while, or when the connection is lost
// before the transaction was sent. `body` may so run several times; it neither commits nor
// discards. A commit whose outcome is unknown is never tried again. The client outlives it.
[[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> run_transaction(
    client& through, std::vector<std::string> watched, transaction_body body, call how,
    std::uint32_t tries_max = 16);

// client::atomic for threads.
[[nodiscard]] result<std::vector<value>> atomic(blocking_client& through, std::vector<command> what,
                                                call how);

}  // namespace headroom::redis
