// SPDX-License-Identifier: Apache-2.0
// The commands the service uses, each with how its reply is read: one set of definitions for the
// asynchronous client, leases, transactions and the blocking client (typed_call.hpp runs them).
// Everything else is a raw `command`. Meanings: https://redis.io/docs/latest/commands/
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/core/command.hpp"
#include "redis/core/reply_reader.hpp"

namespace headroom::redis {

template <class T>
struct typed_command {
    command what;
    std::string_view name;  // of static storage, for error messages
    reply_reader<T> reader;
};

enum class set_condition : std::uint8_t { always, if_absent, if_present };

struct set_options {
    // Empty: the key lives until it is deleted, and loses the lifetime it had.
    std::optional<std::chrono::milliseconds> lifetime;
    set_condition condition = set_condition::always;
};

struct stream_position {
    std::string key;
    std::string after = "0";  // the id after which to read; of a group: ">" for what nobody has
};

struct stream_bound {
    std::uint64_t entries_max;
    bool is_exact = false;  // else the server may keep a few more, which costs it less
};

// Lists of nothing (no key, no member, no field) are refused by the server, not here.
namespace commands {

// --- The server ---

[[nodiscard]] typed_command<std::string> ping();
[[nodiscard]] typed_command<std::chrono::system_clock::time_point> time();
// "master", "slave" or "sentinel".
[[nodiscard]] typed_command<std::string> role();
// How many connections of this server heard it; those of replicas are not counted.
[[nodiscard]] typed_command<std::uint64_t> publish(std::string_view channel,
                                                   std::string_view payload);

// --- Keys ---

[[nodiscard]] typed_command<bool> exists(std::string_view key);
// How many there were.
[[nodiscard]] typed_command<std::uint64_t> del(std::span<const std::string> keys);
[[nodiscard]] typed_command<bool> del(std::string_view key);
// As del, but the memory of large values is given back by another thread of the server.
[[nodiscard]] typed_command<std::uint64_t> unlink(std::span<const std::string> keys);
[[nodiscard]] typed_command<bool> unlink(std::string_view key);
// False when there is no such key.
[[nodiscard]] typed_command<bool> expire(std::string_view key, std::chrono::milliseconds after);
// False when there is no such key, or it had no lifetime.
[[nodiscard]] typed_command<bool> persist(std::string_view key);
[[nodiscard]] typed_command<key_lifetime> time_to_live(std::string_view key);

// --- Strings ---

[[nodiscard]] typed_command<std::optional<std::string>> get(std::string_view key);
[[nodiscard]] typed_command<std::vector<std::optional<std::string>>> get_many(
    std::span<const std::string> keys);
// False when the condition did not hold, and nothing was changed.
[[nodiscard]] typed_command<bool> set(std::string_view key, std::string_view content,
                                      const set_options& how = {});
// What it is afterwards.
[[nodiscard]] typed_command<std::int64_t> increment(std::string_view key, std::int64_t by = 1);

// --- Hashes ---

[[nodiscard]] typed_command<std::optional<std::string>> hash_get(std::string_view key,
                                                                 std::string_view field);
[[nodiscard]] typed_command<std::vector<field_pair>> hash_get_all(std::string_view key);
// How many fields are new.
[[nodiscard]] typed_command<std::uint64_t> hash_set(std::string_view key,
                                                    std::span<const field_pair> fields);
[[nodiscard]] typed_command<bool> hash_set(std::string_view key, std::string_view field,
                                           std::string_view content);
// How many there were.
[[nodiscard]] typed_command<std::uint64_t> hash_delete(std::string_view key,
                                                       std::span<const std::string> fields);
[[nodiscard]] typed_command<std::int64_t> hash_increment(std::string_view key,
                                                         std::string_view field,
                                                         std::int64_t by = 1);

// --- Lists ---

enum class list_end : std::uint8_t { left, right };

// How long the list is afterwards.
[[nodiscard]] typed_command<std::uint64_t> list_push(list_end at, std::string_view key,
                                                     std::span<const std::string> elements);
[[nodiscard]] typed_command<std::uint64_t> list_push(list_end at, std::string_view key,
                                                     std::string_view element);
[[nodiscard]] typed_command<std::optional<std::string>> list_pop(list_end at, std::string_view key);
// From the one at `first` to the one at `last`, both included; -1 is the last of the list.
[[nodiscard]] typed_command<std::vector<std::string>> list_range(std::string_view key,
                                                                 std::int64_t first,
                                                                 std::int64_t last);
[[nodiscard]] typed_command<std::uint64_t> list_length(std::string_view key);

// --- Streams ---

// The id of the new entry, which the server makes.
[[nodiscard]] typed_command<std::string> stream_add(
    std::string_view key, std::span<const field_pair> fields,
    std::optional<stream_bound> keep = std::nullopt);
// At most `count` entries of each stream, never waiting; streams without any are left out.
[[nodiscard]] typed_command<std::vector<stream_page>> stream_read(
    std::span<const stream_position> from, std::uint64_t count);
[[nodiscard]] typed_command<std::vector<stream_page>> stream_read_group(
    std::string_view group, std::string_view consumer, std::span<const stream_position> from,
    std::uint64_t count);
// From `first` to `last`, both included; "-" and "+" are the ends.
[[nodiscard]] typed_command<std::vector<stream_entry>> stream_range(std::string_view key,
                                                                    std::string_view first,
                                                                    std::string_view last,
                                                                    std::uint64_t count);
// How many of them the group was waiting for.
[[nodiscard]] typed_command<std::uint64_t> stream_acknowledge(std::string_view key,
                                                              std::string_view group,
                                                              std::span<const std::string> ids);
// How many there were.
[[nodiscard]] typed_command<std::uint64_t> stream_delete(std::string_view key,
                                                         std::span<const std::string> ids);
[[nodiscard]] typed_command<std::uint64_t> stream_length(std::string_view key);

}  // namespace commands

}  // namespace headroom::redis
