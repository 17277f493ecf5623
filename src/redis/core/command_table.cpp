// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace headroom::redis {

namespace {

using effect = command_effect;
using side = side_effect;
constexpr bool large = true;
constexpr bool bounded = false;

constexpr key_rule no_keys() {
    return {};
}
constexpr key_rule one_key() {
    return {key_layout::span, 1, 1, 1};
}
constexpr key_rule counted(std::int8_t at) {
    return {key_layout::counted, at, 0, 0};
}
constexpr key_rule stored_counted() {
    return {key_layout::stored_counted, 1, 2, 0};
}
constexpr key_rule after_streams() {
    return {key_layout::after_streams, 0, 0, 0};
}
constexpr key_rule with_store() {
    return {key_layout::with_store, 1, 1, 1};
}
constexpr key_rule migrated() {
    return {key_layout::migrated, 3, 3, 1};
}

// clang-format off
constexpr auto table = std::to_array<command_traits>({
    {"ACL", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"ACL CAT", effect::none, side::reads, no_keys()},
    {"ACL DELUSER", effect::none, side::idempotent, no_keys()},
    {"ACL DRYRUN", effect::none, side::reads, no_keys()},
    {"ACL GENPASS", effect::none, side::reads, no_keys()},
    {"ACL GETUSER", effect::none, side::reads, no_keys()},
    {"ACL HELP", effect::none, side::reads, no_keys()},
    {"ACL LIST", effect::none, side::reads, no_keys()},
    {"ACL LOAD", effect::none, side::idempotent, no_keys()},
    {"ACL LOG", effect::none, side::reads, no_keys()},
    {"ACL SAVE", effect::none, side::idempotent, no_keys()},
    {"ACL SETUSER", effect::none, side::idempotent, no_keys()},
    {"ACL USERS", effect::none, side::reads, no_keys()},
    {"ACL WHOAMI", effect::none, side::reads, no_keys()},
    {"APPEND", effect::none, side::not_repeatable, one_key()},
    {"ASKING", effect::session, side::not_repeatable, no_keys()},
    {"AUTH", effect::session, side::not_repeatable, no_keys()},
    {"BGREWRITEAOF", effect::none, side::not_repeatable, no_keys()},
    {"BGSAVE", effect::none, side::not_repeatable, no_keys()},
    {"BITCOUNT", effect::none, side::reads, one_key()},
    {"BITFIELD", effect::none, side::not_repeatable, one_key(), bounded, argument_rule::bitfield},
    {"BITFIELD_RO", effect::none, side::reads, one_key()},
    {"BITOP", effect::none, side::not_repeatable, {key_layout::span, 2, -1, 1}},
    {"BITPOS", effect::none, side::reads, one_key()},
    {"BLMOVE", effect::blocks, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"BLMPOP", effect::blocks, side::not_repeatable, counted(2)},
    {"BLPOP", effect::blocks, side::not_repeatable, {key_layout::span, 1, -2, 1}},
    {"BRPOP", effect::blocks, side::not_repeatable, {key_layout::span, 1, -2, 1}},
    {"BRPOPLPUSH", effect::blocks, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"BZMPOP", effect::blocks, side::not_repeatable, counted(2)},
    {"BZPOPMAX", effect::blocks, side::not_repeatable, {key_layout::span, 1, -2, 1}},
    {"BZPOPMIN", effect::blocks, side::not_repeatable, {key_layout::span, 1, -2, 1}},
    {"CLIENT", effect::session, side::not_repeatable, no_keys(), bounded,
     argument_rule::subcommand},
    {"CLIENT CACHING", effect::session, side::idempotent, no_keys()},
    {"CLIENT CAPA", effect::session, side::idempotent, no_keys()},
    {"CLIENT GETNAME", effect::none, side::reads, no_keys()},
    {"CLIENT GETREDIR", effect::none, side::reads, no_keys()},
    {"CLIENT HELP", effect::none, side::reads, no_keys()},
    {"CLIENT ID", effect::none, side::reads, no_keys()},
    {"CLIENT IMPORT-SOURCE", effect::session, side::idempotent, no_keys()},
    {"CLIENT INFO", effect::none, side::reads, no_keys()},
    {"CLIENT KILL", effect::none, side::not_repeatable, no_keys()},
    {"CLIENT LIST", effect::none, side::reads, no_keys(), large},
    {"CLIENT NO-EVICT", effect::session, side::idempotent, no_keys()},
    {"CLIENT NO-TOUCH", effect::session, side::idempotent, no_keys()},
    {"CLIENT PAUSE", effect::administers, side::idempotent, no_keys()},
    {"CLIENT REPLY", effect::pairing, side::not_repeatable, no_keys()},
    {"CLIENT SETINFO", effect::session, side::idempotent, no_keys()},
    {"CLIENT SETNAME", effect::session, side::idempotent, no_keys()},
    {"CLIENT TRACKING", effect::session, side::idempotent, no_keys()},
    {"CLIENT TRACKINGINFO", effect::none, side::reads, no_keys()},
    {"CLIENT UNBLOCK", effect::none, side::not_repeatable, no_keys()},
    {"CLIENT UNPAUSE", effect::none, side::idempotent, no_keys()},
    {"CLUSTER", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"CLUSTER COUNT-FAILURE-REPORTS", effect::none, side::reads, no_keys()},
    {"CLUSTER COUNTKEYSINSLOT", effect::none, side::reads, no_keys()},
    {"CLUSTER FAILOVER", effect::administers, side::not_repeatable, no_keys()},
    {"CLUSTER GETKEYSINSLOT", effect::none, side::reads, no_keys()},
    {"CLUSTER HELP", effect::none, side::reads, no_keys()},
    {"CLUSTER INFO", effect::none, side::reads, no_keys()},
    {"CLUSTER KEYSLOT", effect::none, side::reads, no_keys()},
    {"CLUSTER LINKS", effect::none, side::reads, no_keys()},
    {"CLUSTER MYID", effect::none, side::reads, no_keys()},
    {"CLUSTER MYSHARDID", effect::none, side::reads, no_keys()},
    {"CLUSTER NODES", effect::none, side::reads, no_keys()},
    {"CLUSTER REPLICAS", effect::none, side::reads, no_keys()},
    {"CLUSTER RESET", effect::administers, side::not_repeatable, no_keys()},
    {"CLUSTER SHARDS", effect::none, side::reads, no_keys()},
    {"CLUSTER SLAVES", effect::none, side::reads, no_keys()},
    {"CLUSTER SLOT-STATS", effect::none, side::reads, no_keys()},
    {"CLUSTER SLOTS", effect::none, side::reads, no_keys()},
    {"COMMAND", effect::none, side::reads, no_keys(), large, argument_rule::subcommand},
    {"COMMAND COUNT", effect::none, side::reads, no_keys()},
    {"COMMAND GETKEYS", effect::none, side::reads, no_keys()},
    {"COMMAND GETKEYSANDFLAGS", effect::none, side::reads, no_keys()},
    {"COMMAND INFO", effect::none, side::reads, no_keys()},
    {"COMMANDLOG", effect::none, side::reads, no_keys(), large, argument_rule::subcommand},
    {"COMMANDLOG LEN", effect::none, side::reads, no_keys()},
    {"COMMANDLOG RESET", effect::none, side::idempotent, no_keys()},
    {"CONFIG", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"CONFIG GET", effect::none, side::reads, no_keys()},
    {"CONFIG HELP", effect::none, side::reads, no_keys()},
    {"CONFIG RESETSTAT", effect::none, side::idempotent, no_keys()},
    {"CONFIG REWRITE", effect::none, side::idempotent, no_keys()},
    {"CONFIG SET", effect::none, side::idempotent, no_keys()},
    {"COPY", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"DBSIZE", effect::none, side::reads, no_keys()},
    {"DEBUG", effect::administers, side::not_repeatable, no_keys(), large,
     argument_rule::subcommand},
    {"DECR", effect::none, side::not_repeatable, one_key()},
    {"DECRBY", effect::none, side::not_repeatable, one_key()},
    {"DEL", effect::none, side::idempotent, {key_layout::span, 1, -1, 1}},
    {"DELIFEQ", effect::none, side::not_repeatable, one_key()},
    {"DISCARD", effect::transaction, side::idempotent, no_keys()},
    {"DUMP", effect::none, side::reads, one_key()},
    {"ECHO", effect::none, side::reads, no_keys()},
    {"EVAL", effect::none, side::not_repeatable, counted(2)},
    {"EVALSHA", effect::none, side::not_repeatable, counted(2)},
    {"EVALSHA_RO", effect::none, side::reads, counted(2)},
    {"EVAL_RO", effect::none, side::reads, counted(2)},
    {"EXEC", effect::transaction, side::not_repeatable, no_keys()},
    {"EXISTS", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"EXPIRE", effect::none, side::idempotent, one_key()},
    {"EXPIREAT", effect::none, side::idempotent, one_key()},
    {"EXPIRETIME", effect::none, side::reads, one_key()},
    {"FAILOVER", effect::administers, side::not_repeatable, no_keys()},
    {"FCALL", effect::none, side::not_repeatable, counted(2)},
    {"FCALL_RO", effect::none, side::reads, counted(2)},
    {"FLUSHALL", effect::none, side::not_repeatable, no_keys()},
    {"FLUSHDB", effect::none, side::not_repeatable, no_keys()},
    {"FUNCTION", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"FUNCTION DELETE", effect::none, side::not_repeatable, no_keys()},
    {"FUNCTION DUMP", effect::none, side::reads, no_keys(), large},
    {"FUNCTION FLUSH", effect::none, side::not_repeatable, no_keys()},
    {"FUNCTION HELP", effect::none, side::reads, no_keys()},
    {"FUNCTION KILL", effect::none, side::not_repeatable, no_keys()},
    {"FUNCTION LIST", effect::none, side::reads, no_keys(), large},
    {"FUNCTION LOAD", effect::none, side::not_repeatable, no_keys()},
    {"FUNCTION RESTORE", effect::none, side::not_repeatable, no_keys()},
    {"FUNCTION STATS", effect::none, side::reads, no_keys()},
    {"GEOADD", effect::none, side::idempotent, one_key()},
    {"GEODIST", effect::none, side::reads, one_key()},
    {"GEOHASH", effect::none, side::reads, one_key()},
    {"GEOPOS", effect::none, side::reads, one_key()},
    {"GEORADIUS", effect::none, side::not_repeatable, with_store(), bounded, argument_rule::store},
    {"GEORADIUSBYMEMBER", effect::none, side::not_repeatable, with_store(), bounded,
     argument_rule::store},
    {"GEORADIUSBYMEMBER_RO", effect::none, side::reads, one_key()},
    {"GEORADIUS_RO", effect::none, side::reads, one_key()},
    {"GEOSEARCH", effect::none, side::reads, one_key()},
    {"GEOSEARCHSTORE", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"GET", effect::none, side::reads, one_key()},
    {"GETBIT", effect::none, side::reads, one_key()},
    {"GETDEL", effect::none, side::not_repeatable, one_key()},
    {"GETEX", effect::none, side::idempotent, one_key(), bounded, argument_rule::getex},
    {"GETRANGE", effect::none, side::reads, one_key()},
    {"GETSET", effect::none, side::not_repeatable, one_key()},
    {"HDEL", effect::none, side::idempotent, one_key()},
    {"HELLO", effect::pairing, side::not_repeatable, no_keys()},
    {"HEXISTS", effect::none, side::reads, one_key()},
    {"HEXPIRE", effect::none, side::idempotent, one_key()},
    {"HEXPIREAT", effect::none, side::idempotent, one_key()},
    {"HEXPIRETIME", effect::none, side::reads, one_key()},
    {"HGET", effect::none, side::reads, one_key()},
    {"HGETALL", effect::none, side::reads, one_key()},
    {"HGETDEL", effect::none, side::not_repeatable, one_key()},
    {"HGETEX", effect::none, side::idempotent, one_key(), bounded, argument_rule::getex},
    {"HINCRBY", effect::none, side::not_repeatable, one_key()},
    {"HINCRBYFLOAT", effect::none, side::not_repeatable, one_key()},
    {"HKEYS", effect::none, side::reads, one_key()},
    {"HLEN", effect::none, side::reads, one_key()},
    {"HMGET", effect::none, side::reads, one_key()},
    {"HMSET", effect::none, side::idempotent, one_key()},
    {"HPERSIST", effect::none, side::idempotent, one_key()},
    {"HPEXPIRE", effect::none, side::idempotent, one_key()},
    {"HPEXPIREAT", effect::none, side::idempotent, one_key()},
    {"HPEXPIRETIME", effect::none, side::reads, one_key()},
    {"HPTTL", effect::none, side::reads, one_key()},
    {"HRANDFIELD", effect::none, side::reads, one_key()},
    {"HSCAN", effect::none, side::reads, one_key()},
    {"HSET", effect::none, side::idempotent, one_key()},
    {"HSETEX", effect::none, side::not_repeatable, one_key()},
    {"HSETNX", effect::none, side::not_repeatable, one_key()},
    {"HSTRLEN", effect::none, side::reads, one_key()},
    {"HTTL", effect::none, side::reads, one_key()},
    {"HVALS", effect::none, side::reads, one_key()},
    {"INCR", effect::none, side::not_repeatable, one_key()},
    {"INCRBY", effect::none, side::not_repeatable, one_key()},
    {"INCRBYFLOAT", effect::none, side::not_repeatable, one_key()},
    {"INFO", effect::none, side::reads, no_keys()},
    {"KEYS", effect::none, side::reads, no_keys(), large},
    {"LASTSAVE", effect::none, side::reads, no_keys()},
    {"LATENCY", effect::none, side::reads, no_keys(), bounded, argument_rule::subcommand},
    {"LATENCY RESET", effect::none, side::idempotent, no_keys()},
    {"LCS", effect::none, side::reads, {key_layout::span, 1, 2, 1}},
    {"LINDEX", effect::none, side::reads, one_key()},
    {"LINSERT", effect::none, side::not_repeatable, one_key()},
    {"LLEN", effect::none, side::reads, one_key()},
    {"LMOVE", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"LMPOP", effect::none, side::not_repeatable, counted(1)},
    {"LOLWUT", effect::none, side::reads, no_keys()},
    {"LPOP", effect::none, side::not_repeatable, one_key()},
    {"LPOS", effect::none, side::reads, one_key()},
    {"LPUSH", effect::none, side::not_repeatable, one_key()},
    {"LPUSHX", effect::none, side::not_repeatable, one_key()},
    {"LRANGE", effect::none, side::reads, one_key()},
    {"LREM", effect::none, side::not_repeatable, one_key()},
    {"LSET", effect::none, side::idempotent, one_key()},
    {"LTRIM", effect::none, side::not_repeatable, one_key()},
    {"MEMORY", effect::none, side::reads, no_keys(), bounded, argument_rule::subcommand},
    {"MEMORY PURGE", effect::none, side::idempotent, no_keys()},
    {"MEMORY USAGE", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"MGET", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"MIGRATE", effect::administers, side::not_repeatable, migrated()},
    {"MODULE", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"MODULE LIST", effect::none, side::reads, no_keys()},
    {"MONITOR", effect::pairing, side::not_repeatable, no_keys(), large},
    {"MOVE", effect::none, side::not_repeatable, one_key()},
    {"MSET", effect::none, side::idempotent, {key_layout::span, 1, -1, 2}},
    {"MSETNX", effect::none, side::not_repeatable, {key_layout::span, 1, -1, 2}},
    {"MULTI", effect::transaction, side::not_repeatable, no_keys()},
    {"OBJECT", effect::none, side::reads, no_keys(), bounded, argument_rule::subcommand},
    {"OBJECT ENCODING", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"OBJECT FREQ", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"OBJECT IDLETIME", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"OBJECT REFCOUNT", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"PERSIST", effect::none, side::idempotent, one_key()},
    {"PEXPIRE", effect::none, side::idempotent, one_key()},
    {"PEXPIREAT", effect::none, side::idempotent, one_key()},
    {"PEXPIRETIME", effect::none, side::reads, one_key()},
    {"PFADD", effect::none, side::idempotent, one_key()},
    {"PFCOUNT", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"PFDEBUG", effect::administers, side::not_repeatable, {key_layout::span, 2, 2, 1}},
    {"PFMERGE", effect::none, side::idempotent, {key_layout::span, 1, -1, 1}},
    {"PFSELFTEST", effect::administers, side::not_repeatable, no_keys()},
    {"PING", effect::none, side::reads, no_keys()},
    {"PSETEX", effect::none, side::idempotent, one_key()},
    {"PSUBSCRIBE", effect::pairing, side::not_repeatable, no_keys()},
    {"PSYNC", effect::pairing, side::not_repeatable, no_keys()},
    {"PTTL", effect::none, side::reads, one_key()},
    {"PUBLISH", effect::none, side::not_repeatable, no_keys()},
    {"PUBSUB", effect::none, side::reads, no_keys(), bounded, argument_rule::subcommand},
    {"PUNSUBSCRIBE", effect::pairing, side::not_repeatable, no_keys()},
    {"QUIT", effect::pairing, side::not_repeatable, no_keys()},
    {"RANDOMKEY", effect::none, side::reads, no_keys()},
    {"READONLY", effect::session, side::not_repeatable, no_keys()},
    {"READWRITE", effect::session, side::not_repeatable, no_keys()},
    {"RENAME", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"RENAMENX", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"REPLCONF", effect::pairing, side::not_repeatable, no_keys()},
    {"REPLICAOF", effect::administers, side::not_repeatable, no_keys()},
    {"RESET", effect::pairing, side::not_repeatable, no_keys()},
    {"RESTORE", effect::none, side::not_repeatable, one_key()},
    {"RESTORE-ASKING", effect::none, side::not_repeatable, one_key()},
    {"ROLE", effect::none, side::reads, no_keys()},
    {"RPOP", effect::none, side::not_repeatable, one_key()},
    {"RPOPLPUSH", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"RPUSH", effect::none, side::not_repeatable, one_key()},
    {"RPUSHX", effect::none, side::not_repeatable, one_key()},
    {"SADD", effect::none, side::idempotent, one_key()},
    {"SAVE", effect::administers, side::not_repeatable, no_keys()},
    {"SCAN", effect::none, side::reads, no_keys()},
    {"SCARD", effect::none, side::reads, one_key()},
    {"SCRIPT", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"SCRIPT DEBUG", effect::session, side::not_repeatable, no_keys()},
    {"SCRIPT EXISTS", effect::none, side::reads, no_keys()},
    {"SCRIPT FLUSH", effect::none, side::idempotent, no_keys()},
    {"SCRIPT HELP", effect::none, side::reads, no_keys()},
    {"SCRIPT KILL", effect::none, side::idempotent, no_keys()},
    {"SCRIPT LOAD", effect::none, side::idempotent, no_keys()},
    {"SCRIPT SHOW", effect::none, side::reads, no_keys()},
    {"SDIFF", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"SDIFFSTORE", effect::none, side::not_repeatable, {key_layout::span, 1, -1, 1}},
    {"SELECT", effect::session, side::not_repeatable, no_keys()},
    {"SET", effect::none, side::idempotent, one_key(), bounded, argument_rule::set},
    {"SETBIT", effect::none, side::not_repeatable, one_key()},
    {"SETEX", effect::none, side::idempotent, one_key()},
    {"SETNX", effect::none, side::not_repeatable, one_key()},
    {"SETRANGE", effect::none, side::idempotent, one_key()},
    {"SHUTDOWN", effect::administers, side::not_repeatable, no_keys()},
    {"SINTER", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"SINTERCARD", effect::none, side::reads, counted(1)},
    {"SINTERSTORE", effect::none, side::idempotent, {key_layout::span, 1, -1, 1}},
    {"SISMEMBER", effect::none, side::reads, one_key()},
    {"SLAVEOF", effect::administers, side::not_repeatable, no_keys()},
    {"SLOWLOG", effect::none, side::reads, no_keys(), large, argument_rule::subcommand},
    {"SLOWLOG LEN", effect::none, side::reads, no_keys()},
    {"SLOWLOG RESET", effect::none, side::idempotent, no_keys()},
    {"SMEMBERS", effect::none, side::reads, one_key()},
    {"SMISMEMBER", effect::none, side::reads, one_key()},
    {"SMOVE", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"SORT", effect::none, side::not_repeatable, with_store(), bounded, argument_rule::store},
    {"SORT_RO", effect::none, side::reads, one_key()},
    {"SPOP", effect::none, side::not_repeatable, one_key()},
    {"SPUBLISH", effect::none, side::not_repeatable, one_key()},
    {"SRANDMEMBER", effect::none, side::reads, one_key()},
    {"SREM", effect::none, side::idempotent, one_key()},
    {"SSCAN", effect::none, side::reads, one_key()},
    {"SSUBSCRIBE", effect::pairing, side::not_repeatable, {key_layout::span, 1, -1, 1}},
    {"STRLEN", effect::none, side::reads, one_key()},
    {"SUBSCRIBE", effect::pairing, side::not_repeatable, no_keys()},
    {"SUBSTR", effect::none, side::reads, one_key()},
    {"SUNION", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"SUNIONSTORE", effect::none, side::idempotent, {key_layout::span, 1, -1, 1}},
    {"SUNSUBSCRIBE", effect::pairing, side::not_repeatable, {key_layout::span, 1, -1, 1}},
    {"SWAPDB", effect::none, side::not_repeatable, no_keys()},
    {"SYNC", effect::pairing, side::not_repeatable, no_keys()},
    {"TIME", effect::none, side::reads, no_keys()},
    {"TOUCH", effect::none, side::reads, {key_layout::span, 1, -1, 1}},
    {"TTL", effect::none, side::reads, one_key()},
    {"TYPE", effect::none, side::reads, one_key()},
    {"UNLINK", effect::none, side::idempotent, {key_layout::span, 1, -1, 1}},
    {"UNSUBSCRIBE", effect::pairing, side::not_repeatable, no_keys()},
    {"UNWATCH", effect::transaction, side::idempotent, no_keys()},
    {"WAIT", effect::blocks, side::not_repeatable, no_keys()},
    {"WAITAOF", effect::blocks, side::not_repeatable, no_keys()},
    {"WATCH", effect::transaction, side::not_repeatable, {key_layout::span, 1, -1, 1}},
    {"XACK", effect::none, side::idempotent, one_key()},
    {"XADD", effect::none, side::not_repeatable, one_key()},
    {"XAUTOCLAIM", effect::none, side::not_repeatable, one_key()},
    {"XCLAIM", effect::none, side::not_repeatable, one_key()},
    {"XDEL", effect::none, side::idempotent, one_key()},
    {"XGROUP", effect::none, side::not_repeatable, no_keys(), bounded, argument_rule::subcommand},
    {"XGROUP CREATE", effect::none, side::not_repeatable, {key_layout::span, 2, 2, 1}},
    {"XGROUP CREATECONSUMER", effect::none, side::idempotent, {key_layout::span, 2, 2, 1}},
    {"XGROUP DELCONSUMER", effect::none, side::idempotent, {key_layout::span, 2, 2, 1}},
    {"XGROUP DESTROY", effect::none, side::idempotent, {key_layout::span, 2, 2, 1}},
    {"XGROUP SETID", effect::none, side::idempotent, {key_layout::span, 2, 2, 1}},
    {"XINFO", effect::none, side::reads, no_keys(), bounded, argument_rule::subcommand},
    {"XINFO CONSUMERS", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"XINFO GROUPS", effect::none, side::reads, {key_layout::span, 2, 2, 1}},
    {"XINFO STREAM", effect::none, side::reads, {key_layout::span, 2, 2, 1}, large},
    {"XLEN", effect::none, side::reads, one_key()},
    {"XPENDING", effect::none, side::reads, one_key()},
    {"XRANGE", effect::none, side::reads, one_key()},
    {"XREAD", effect::blocks, side::reads, after_streams(), bounded, argument_rule::block},
    {"XREADGROUP", effect::blocks, side::not_repeatable, after_streams(), bounded,
     argument_rule::block},
    {"XREVRANGE", effect::none, side::reads, one_key()},
    {"XSETID", effect::none, side::idempotent, one_key()},
    {"XTRIM", effect::none, side::idempotent, one_key()},
    {"ZADD", effect::none, side::idempotent, one_key(), bounded, argument_rule::zadd},
    {"ZCARD", effect::none, side::reads, one_key()},
    {"ZCOUNT", effect::none, side::reads, one_key()},
    {"ZDIFF", effect::none, side::reads, counted(1)},
    {"ZDIFFSTORE", effect::none, side::not_repeatable, stored_counted()},
    {"ZINCRBY", effect::none, side::not_repeatable, one_key()},
    {"ZINTER", effect::none, side::reads, counted(1)},
    {"ZINTERCARD", effect::none, side::reads, counted(1)},
    {"ZINTERSTORE", effect::none, side::not_repeatable, stored_counted()},
    {"ZLEXCOUNT", effect::none, side::reads, one_key()},
    {"ZMPOP", effect::none, side::not_repeatable, counted(1)},
    {"ZMSCORE", effect::none, side::reads, one_key()},
    {"ZPOPMAX", effect::none, side::not_repeatable, one_key()},
    {"ZPOPMIN", effect::none, side::not_repeatable, one_key()},
    {"ZRANDMEMBER", effect::none, side::reads, one_key()},
    {"ZRANGE", effect::none, side::reads, one_key()},
    {"ZRANGEBYLEX", effect::none, side::reads, one_key()},
    {"ZRANGEBYSCORE", effect::none, side::reads, one_key()},
    {"ZRANGESTORE", effect::none, side::not_repeatable, {key_layout::span, 1, 2, 1}},
    {"ZRANK", effect::none, side::reads, one_key()},
    {"ZREM", effect::none, side::idempotent, one_key()},
    {"ZREMRANGEBYLEX", effect::none, side::idempotent, one_key()},
    {"ZREMRANGEBYRANK", effect::none, side::not_repeatable, one_key()},
    {"ZREMRANGEBYSCORE", effect::none, side::idempotent, one_key()},
    {"ZREVRANGE", effect::none, side::reads, one_key()},
    {"ZREVRANGEBYLEX", effect::none, side::reads, one_key()},
    {"ZREVRANGEBYSCORE", effect::none, side::reads, one_key()},
    {"ZREVRANK", effect::none, side::reads, one_key()},
    {"ZSCAN", effect::none, side::reads, one_key()},
    {"ZSCORE", effect::none, side::reads, one_key()},
    {"ZUNION", effect::none, side::reads, counted(1)},
    {"ZUNIONSTORE", effect::none, side::not_repeatable, stored_counted()},
});
// clang-format on

constexpr std::size_t name_size_max = 32;
static_assert(std::ranges::is_sorted(table, {}, &command_traits::name));
static_assert(std::ranges::adjacent_find(table, {}, &command_traits::name) == table.end());
static_assert(std::ranges::all_of(table, [](const command_traits& row) {
    return !row.name.empty() && row.name.size() <= name_size_max;
}));

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
static_assert(std::ranges::all_of(table, [](const command_traits& row) {
    return std::ranges::all_of(row.name, [](char c) { return upper(c) == c; });
}));

template <std::size_t Bytes>
constexpr std::uint64_t word_at(const char* at) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < Bytes; ++i)
        word |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return word;
}

// --- An open-addressed index over the table, made by the compiler ---

constexpr std::size_t index_bits = 11;
constexpr std::size_t index_size = std::size_t{1} << index_bits;
constexpr std::uint16_t nobody = 0xffff;
static_assert(table.size() * 4 < index_size, "chains stay short");

// Of the ends of the name, which tell commands apart, without regard to case.
constexpr std::size_t slot_of(std::string_view name) {
    const auto* begin = name.data();
    const auto size = name.size();
    std::uint64_t word = 0;
    if (size >= 8) {
        word = word_at<8>(begin) ^ (word_at<8>(begin + size - 8) << 1);
    } else if (size >= 4) {
        word = word_at<4>(begin) | word_at<4>(begin + size - 4) << 32;
    } else if (size > 0) {
        word = word_at<1>(begin) | word_at<1>(begin + size / 2) << 8 |
               word_at<1>(begin + size - 1) << 16;
    }
    // 0x20 is what lower case adds; << 1 above moves it to 0x40.
    constexpr std::uint64_t caseless = 0x9f9f'9f9f'9f9f'9f9f;
    const auto mixed = ((word & caseless) + size) * 0x9e37'79b9'7f4a'7c15U;
    return static_cast<std::size_t>(mixed >> (64 - index_bits));
}

constexpr auto index_of_table = [] {
    std::array<std::uint16_t, index_size> made{};
    made.fill(nobody);
    for (std::size_t row = 0; row < table.size(); ++row) {
        auto slot = slot_of(table[row].name);
        while (made[slot] != nobody)
            slot = (slot + 1) % index_size;
        made[slot] = static_cast<std::uint16_t>(row);
    }
    return made;
}();

constexpr std::size_t longest_chain = [] {
    std::size_t longest = 0;
    for (std::size_t row = 0; row < table.size(); ++row) {
        std::size_t length = 1;
        for (auto slot = slot_of(table[row].name); index_of_table[slot] != row; ++length)
            slot = (slot + 1) % index_size;
        longest = std::max(longest, length);
    }
    return longest;
}();
static_assert(longest_chain <= 6, "a look-up compares few names");

bool is_name(std::string_view given, std::string_view upper_case) {
    return given == upper_case || std::ranges::equal(given, upper_case, {}, upper);
}

}  // namespace

const command_traits* find_traits(std::string_view name) noexcept {
    if (name.size() > name_size_max) return nullptr;
    for (auto slot = slot_of(name); index_of_table[slot] != nobody;
         slot = (slot + 1) % index_size) {
        const auto& row = table[index_of_table[slot]];
        if (is_name(name, row.name)) return &row;
    }
    return nullptr;
}

std::span<const command_traits> all_traits() noexcept {
    return table;
}

}  // namespace headroom::redis
