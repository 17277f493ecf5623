// SPDX-License-Identifier: Apache-2.0
// One asynchronous Redis pool of a process: the command lane, leases and the subscriber share its
// cap. All of it runs on the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/client_name.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "pool/async_pool.hpp"
#include "pool/call.hpp"
#include "redis/core/command.hpp"
#include "redis/core/reply_view.hpp"
#include "redis/core/retry_policy.hpp"
#include "redis/core/traffic.hpp"
#include "redis/core/value.hpp"
#include "redis/dial_kit.hpp"
#include "redis/endpoint.hpp"
#include "redis/redis_error.hpp"

namespace headroom::redis {

using pool::call;

class primary_locator;

enum class reply_form : std::uint8_t {
    bytes,  // strings as they come
    text,   // strings are checked to be UTF-8; one that is not fails its call with not_text
};

struct client_options {
    endpoint server;
    // Of the process, shared by its pools, where server.sentinel is set. Empty: the sentinels are
    // asked at each dial, on a connection that is closed again.
    std::shared_ptr<primary_locator> locator;
    process_identity identity;
    std::string kind;  // pool kind: the last part of the connections' name
    reply_form form = reply_form::bytes;
    bool has_subscriber = false;  // one connection of the cap is left for it
    pool::limits bounds;          // cap: all lanes together
    std::uint32_t lane_connections_max = 6;
    std::size_t lane_commands_max = 100'000;        // queued and in flight, each connection
    std::size_t lane_bytes_max = 64 * 1024 * 1024;  // queued to be written, each connection
    // A longer pipeline or transaction takes a connection for itself, where the cap leaves one for
    // leases.
    std::size_t pipeline_commands_max_on_lane = 1000;
    std::size_t pipeline_bytes_max_on_lane = 1024 * 1024;
    // What is tried again by itself, inside the deadline of its call.
    retry_rules retries;
    // How long the lane looks at its load before it gives one of its connections back.
    clock::duration lane_shrink_interval = std::chrono::seconds(30);
    clock::duration connect_timeout = std::chrono::seconds(5);
    // TCP_USER_TIMEOUT of each connection: bytes not acknowledged for so long end it; 0: the
    // kernel's own limit.
    clock::duration tcp_user_timeout = std::chrono::seconds(20);
    // Asked at each dial, on the thread of the pool (for `sync` one of the pool's own); must not
    // block. Empty: the endpoint's username and password. An error is a failed dial.
    credentials_source ask_credentials;
    // A connection that owes replies and has sent nothing for so long is given up as half-open when
    // the next of its callers reaches a deadline.
    clock::duration silence_max = std::chrono::seconds(10);
};

[[nodiscard]] dial_options to_dial_options(const client_options& from);

// What the command lane looks like now, and totals since start. What went over its connections,
// and those of leases, stands in client::traffic().
struct lane_stats {
    std::uint32_t connections = 0;  // of the pool's leased ones
    std::uint64_t outstanding = 0;  // commands queued or in flight
    std::uint64_t commands = 0;     // accepted since start
    std::uint64_t reconnects = 0;   // connections lost since start
    std::uint64_t queue_full = 0;   // calls refused because a bound of the lane was reached
};

// A connection of one's own, for blocking commands, WATCH/MULTI and session state. Reusable after
// each complete reply; closed when given back while a reply is pending or session state was changed
// and not proven reset.
class exclusive_connection {
public:
    [[nodiscard]] boost::asio::awaitable<result<value>> execute(command what, deadline by);
    [[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> pipeline(
        std::vector<command> what, deadline by);

private:
    friend class client;
    friend class transaction;
    explicit exclusive_connection(pool::lease held, reply_form form);
    [[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> exchange_on(
        const std::vector<command>& what, deadline by);
    // Empty when every reply is in `replies`.
    [[nodiscard]] boost::asio::awaitable<std::optional<error>> exchange_into(
        value* replies, std::span<const command> what, deadline by);
    pool::lease held_;
    reply_form form_;
};

class client {
public:
    // Opens nothing before the first call.
    client(boost::asio::any_io_executor executor, client_options options);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    // The id under which a component's use is counted: `relay`, `queue`, `bundle:echo`.
    [[nodiscard]] pool::owner_id owner(std::string_view name);

    // One command on the shared, pipelined command lane. A server error comes back as the error:
    // server_error or refused. Cancelling abandons the reply: nobody else ever sees it.
    // A command that merely blocks (BLPOP), or whose answer is as large as the data (KEYS), has a
    // connection for itself while it lasts; the deadline must lie beyond its block time, and be
    // there when that is 0: what it pops after the deadline is lost. Other commands that are not
    // for a shared connection end as not_allowed, saying what to use instead.
    // Repeated by itself until the deadline, with a jittered pause: what the server refuses for a
    // while (LOADING, BUSY, READONLY, ...); at once: what was never sent, and once a read whose
    // connection was lost. The error tells the number of tries.
    [[nodiscard]] boost::asio::awaitable<result<value>> execute(command what, call how);

    // The same, but the reply is shown where it lies in the read buffer and not copied: `visitor`
    // is called once before this returns ok, and not at all when it returns an error. It runs on
    // the event loop while the connection reads: it must not block, throw or use the client.
    [[nodiscard]] boost::asio::awaitable<result<void>> view(command what, call how,
                                                            reply_visitor visitor);

    // Several commands written together on one connection, in order; not atomic. Server errors stay
    // among the values. Repeated as execute() does, but only as a whole: when all were refused,
    // none was sent, or all are reads.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> pipeline(
        std::vector<command> what, call how);

    [[nodiscard]] boost::asio::awaitable<result<exclusive_connection>> lease(call how);

    // Another server is to be used from now on: every connection is closed. Commands not sent yet
    // move to a new one, those in flight end as `unknown`, the subscriber announces its gap.
    void retire_connections();

    // Fails new calls with `closed`, lets pending ones finish until `by`, then closes every
    // connection.
    [[nodiscard]] boost::asio::awaitable<result<void>> close(deadline by);

    [[nodiscard]] const pool::pool_stats& stats() const;
    [[nodiscard]] const std::vector<pool::owner_usage>& owners() const;
    [[nodiscard]] lane_stats lane() const;
    [[nodiscard]] const lane_traffic& traffic() const;
    [[nodiscard]] const client_options& options() const;

    // The commands between MULTI and EXEC, in one write on the shared lane: all of them run with
    // nobody else's between them, or none does. The values are theirs, with the errors of single
    // commands among them. When one is refused before EXEC, the error says which. Repeated as
    // execute() does while the server refuses for a while, never when it may have run. Nothing is
    // watched: transaction.hpp does that. Redis 6.0.6 and later.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<value>>> atomic(
        std::vector<command> what, call how);

private:
    friend class subscriber;
    struct state;
    // Null once the state is gone, for calls that outlive it. Not atomic: all is on one thread.
    using state_handle = boost::local_shared_ptr<state*>;
    struct request;  // commands, and where their replies go

    // Empty: all replies are there, and at least one of the commands was not refused. The request
    // outlives them.
    using attempt = boost::asio::awaitable<std::optional<error>>;
    [[nodiscard]] static attempt run_alone(state_handle of, const request& what, call how);
    [[nodiscard]] static attempt run_on_lease(state_handle of, const request& what, call how);
    [[nodiscard]] static attempt run_once(state_handle of, const request& what, call how);
    // After a first try that failed with `why`.
    [[nodiscard]] static attempt try_again(state_handle of, const request& what, call how,
                                           error why);

    // The rest of execute(), by reference into the caller's frame, which outlives them: what takes
    // a connection for itself, and what the first try did not bring about.
    [[nodiscard]] static boost::asio::awaitable<void> execute_alone(const state_handle& of,
                                                                    const command& what,
                                                                    const call& how,
                                                                    result<value>& reply);
    [[nodiscard]] static boost::asio::awaitable<void> settle(const state_handle& of,
                                                             const command& what, const call& how,
                                                             std::optional<error>& failed,
                                                             result<value>& reply);

    std::shared_ptr<state>
        state_;  // second owner: lane reads and writes in flight while the client is destroyed
};

}  // namespace headroom::redis
