// SPDX-License-Identifier: Apache-2.0
#include "redis/core/typed_commands.hpp"

#include <utility>

namespace headroom::redis::commands {

namespace {

template <class T, class... Arguments>
typed_command<T> make(std::string_view name, const reply_reader<T>& reader,
                      const Arguments&... arguments) {
    typed_command<T> typed{command(name), name, reader};
    (typed.what.arg(arguments), ...);
    return typed;
}

template <class T>
typed_command<T> with(typed_command<T> typed, std::span<const std::string> more) {
    for (const auto& each : more)
        typed.what.arg(each);
    return typed;
}

template <class T>
typed_command<T> with(typed_command<T> typed, std::span<const field_pair> more) {
    for (const auto& [name, content] : more)
        typed.what.arg(name).arg(content);
    return typed;
}

template <class T>
typed_command<T> with(typed_command<T> typed, std::span<const stream_position> from,
                      std::uint64_t count) {
    typed.what.arg("COUNT").arg(count).arg("STREAMS");
    for (const auto& each : from)
        typed.what.arg(each.key);
    for (const auto& each : from)
        typed.what.arg(each.after);
    return typed;
}

}  // namespace

// --- The server ---

typed_command<std::string> ping() {
    return make("PING", reply::text);
}

typed_command<std::chrono::system_clock::time_point> time() {
    return make("TIME", reply::time);
}

typed_command<std::string> role() {
    return make("ROLE", reply::role);
}

typed_command<std::uint64_t> publish(std::string_view channel, std::string_view payload) {
    return make("PUBLISH", reply::count, channel, payload);
}

// --- Keys ---

typed_command<bool> exists(std::string_view key) {
    return make("EXISTS", reply::flag, key);
}

typed_command<std::uint64_t> del(std::span<const std::string> keys) {
    return with(make("DEL", reply::count), keys);
}

typed_command<bool> del(std::string_view key) {
    return make("DEL", reply::flag, key);
}

typed_command<std::uint64_t> unlink(std::span<const std::string> keys) {
    return with(make("UNLINK", reply::count), keys);
}

typed_command<bool> unlink(std::string_view key) {
    return make("UNLINK", reply::flag, key);
}

typed_command<bool> expire(std::string_view key, std::chrono::milliseconds after) {
    return make("PEXPIRE", reply::flag, key, after.count());
}

typed_command<bool> persist(std::string_view key) {
    return make("PERSIST", reply::flag, key);
}

typed_command<key_lifetime> time_to_live(std::string_view key) {
    return make("PTTL", reply::lifetime, key);
}

// --- Strings ---

typed_command<std::optional<std::string>> get(std::string_view key) {
    return make("GET", reply::optional_text, key);
}

typed_command<std::vector<std::optional<std::string>>> get_many(std::span<const std::string> keys) {
    return with(make("MGET", reply::optional_texts), keys);
}

typed_command<bool> set(std::string_view key, std::string_view content, const set_options& how) {
    auto typed = make("SET", reply::is_done, key, content);
    if (how.condition == set_condition::if_absent) typed.what.arg("NX");
    if (how.condition == set_condition::if_present) typed.what.arg("XX");
    if (how.lifetime) typed.what.arg("PX").arg(how.lifetime->count());
    return typed;
}

typed_command<std::int64_t> increment(std::string_view key, std::int64_t by) {
    return make("INCRBY", reply::integer, key, by);
}

// --- Hashes ---

typed_command<std::optional<std::string>> hash_get(std::string_view key, std::string_view field) {
    return make("HGET", reply::optional_text, key, field);
}

typed_command<std::vector<field_pair>> hash_get_all(std::string_view key) {
    return make("HGETALL", reply::fields, key);
}

typed_command<std::uint64_t> hash_set(std::string_view key, std::span<const field_pair> fields) {
    return with(make("HSET", reply::count, key), fields);
}

typed_command<bool> hash_set(std::string_view key, std::string_view field,
                             std::string_view content) {
    return make("HSET", reply::flag, key, field, content);
}

typed_command<std::uint64_t> hash_delete(std::string_view key,
                                         std::span<const std::string> fields) {
    return with(make("HDEL", reply::count, key), fields);
}

typed_command<std::int64_t> hash_increment(std::string_view key, std::string_view field,
                                           std::int64_t by) {
    return make("HINCRBY", reply::integer, key, field, by);
}

// --- Lists ---

typed_command<std::uint64_t> list_push(list_end at, std::string_view key,
                                       std::span<const std::string> elements) {
    return with(make(at == list_end::left ? "LPUSH" : "RPUSH", reply::count, key), elements);
}

typed_command<std::uint64_t> list_push(list_end at, std::string_view key,
                                       std::string_view element) {
    return make(at == list_end::left ? "LPUSH" : "RPUSH", reply::count, key, element);
}

typed_command<std::optional<std::string>> list_pop(list_end at, std::string_view key) {
    return make(at == list_end::left ? "LPOP" : "RPOP", reply::optional_text, key);
}

typed_command<std::vector<std::string>> list_range(std::string_view key, std::int64_t first,
                                                   std::int64_t last) {
    return make("LRANGE", reply::texts, key, first, last);
}

typed_command<std::uint64_t> list_length(std::string_view key) {
    return make("LLEN", reply::count, key);
}

// --- Streams ---

typed_command<std::string> stream_add(std::string_view key, std::span<const field_pair> fields,
                                      std::optional<stream_bound> keep) {
    auto typed = make("XADD", reply::text, key);
    if (keep) typed.what.arg("MAXLEN").arg(keep->is_exact ? "=" : "~").arg(keep->entries_max);
    typed.what.arg("*");
    return with(std::move(typed), fields);
}

typed_command<std::vector<stream_page>> stream_read(std::span<const stream_position> from,
                                                    std::uint64_t count) {
    return with(make("XREAD", reply::pages), from, count);
}

typed_command<std::vector<stream_page>> stream_read_group(std::string_view group,
                                                          std::string_view consumer,
                                                          std::span<const stream_position> from,
                                                          std::uint64_t count) {
    return with(make("XREADGROUP", reply::pages, std::string_view("GROUP"), group, consumer), from,
                count);
}

typed_command<std::vector<stream_entry>> stream_range(std::string_view key, std::string_view first,
                                                      std::string_view last, std::uint64_t count) {
    return make("XRANGE", reply::entries, key, first, last, std::string_view("COUNT"), count);
}

typed_command<std::uint64_t> stream_acknowledge(std::string_view key, std::string_view group,
                                                std::span<const std::string> ids) {
    return with(make("XACK", reply::count, key, group), ids);
}

typed_command<std::uint64_t> stream_delete(std::string_view key, std::span<const std::string> ids) {
    return with(make("XDEL", reply::count, key), ids);
}

typed_command<std::uint64_t> stream_length(std::string_view key) {
    return make("XLEN", reply::count, key);
}

}  // namespace headroom::redis::commands
