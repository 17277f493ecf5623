// SPDX-License-Identifier: Apache-2.0
// What is known of each command by its name alone: the table, and looking into it. What arguments
// change about it is command_traits' business.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::redis {

// What a command does to the connection it runs on, which decides where it may run.
enum class command_effect : std::uint8_t {
    none,         // may run on a shared connection
    blocks,       // keeps every later command waiting: BLPOP, XREAD BLOCK, WAIT
    transaction,  // WATCH, MULTI, EXEC, DISCARD, UNWATCH
    session,      // changes the connection for whoever comes next: SELECT, AUTH, CLIENT SETNAME
    pairing,      // breaks "one reply a command": SUBSCRIBE, MONITOR, CLIENT REPLY, HELLO, QUIT
    administers,  // stalls, stops or re-roles the whole server: DEBUG, SAVE, FAILOVER, SHUTDOWN
};

// What a command does to the data, which decides whether it may run a second time when nobody knows
// whether it has run.
enum class side_effect : std::uint8_t {
    reads,           // nothing
    idempotent,      // twice leaves what once leaves: SET without NX or GET, DEL, EXPIRE, SADD
    not_repeatable,  // INCR, LPUSH, PUBLISH, EVAL, SET NX; and whatever is not known
};

// Where the keys are. Positions count from the command's name, which is 0.
enum class key_layout : std::uint8_t {
    none,
    span,            // first to last (-1: the last word, -2: the one before), every step-th
    counted,         // `first` says where their number stands; they follow it
    stored_counted,  // a destination at 1, the number of the others at 2
    after_streams,   // XREAD, XREADGROUP: the first half of what follows STREAMS
    with_store,      // 1, and what follows STORE or STOREDIST: SORT, GEORADIUS
    migrated,        // MIGRATE: 3, or where that is empty what follows KEYS
};

struct key_rule {
    key_layout layout = key_layout::none;
    std::int8_t first = 0;
    std::int8_t last = 0;
    std::int8_t step = 0;
    bool operator==(const key_rule&) const = default;
};

// Which arguments change what the row says.
enum class argument_rule : std::uint8_t {
    none,
    subcommand,  // the row of "NAME SUBCOMMAND", where there is one, says it
    block,       // XREAD, XREADGROUP: blocks only with BLOCK
    set,         // NX, GET, IFEQ: the reply matters
    zadd,        // INCR
    store,       // SORT, GEORADIUS: a read without STORE
    bitfield,    // a read with nothing but GET
    getex,       // a read without options
};

struct command_traits {
    std::string_view name;  // upper case; "CLIENT LIST" for a subcommand
    command_effect effect = command_effect::none;
    side_effect side = side_effect::not_repeatable;
    key_rule keys;
    bool may_answer_much = false;  // as much as there is: KEYS, SLOWLOG, CLIENT LIST
    argument_rule looks_at = argument_rule::none;
};

// The row of a name in any case; null where there is none (modules, later servers). About 5 ns.
[[nodiscard]] const command_traits* find_traits(std::string_view name) noexcept;
// All rows, by name. Commands of Redis 7.2 and Valkey 8, and some of their successors'.
// https://redis.io/docs/latest/commands/  https://valkey.io/commands/
[[nodiscard]] std::span<const command_traits> all_traits() noexcept;

}  // namespace headroom::redis
