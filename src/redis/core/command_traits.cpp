// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command_traits.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace headroom::redis {

namespace {

struct entry {
    std::string_view name;
    command_effect effect;
};

// Sorted by name. CLIENT and XREAD depend on their arguments and are looked at below.
constexpr auto table = std::to_array<entry>({
    {"ASKING", command_effect::session},       {"AUTH", command_effect::session},
    {"BLMOVE", command_effect::blocks},        {"BLMPOP", command_effect::blocks},
    {"BLPOP", command_effect::blocks},         {"BRPOP", command_effect::blocks},
    {"BRPOPLPUSH", command_effect::blocks},    {"BZMPOP", command_effect::blocks},
    {"BZPOPMAX", command_effect::blocks},      {"BZPOPMIN", command_effect::blocks},
    {"CLIENT", command_effect::session},       {"DISCARD", command_effect::transaction},
    {"EXEC", command_effect::transaction},     {"HELLO", command_effect::pairing},
    {"MONITOR", command_effect::pairing},      {"MULTI", command_effect::transaction},
    {"PSUBSCRIBE", command_effect::pairing},   {"PSYNC", command_effect::pairing},
    {"PUNSUBSCRIBE", command_effect::pairing}, {"QUIT", command_effect::pairing},
    {"READONLY", command_effect::session},     {"READWRITE", command_effect::session},
    {"REPLCONF", command_effect::pairing},     {"RESET", command_effect::pairing},
    {"SELECT", command_effect::session},       {"SSUBSCRIBE", command_effect::pairing},
    {"SUBSCRIBE", command_effect::pairing},    {"SUNSUBSCRIBE", command_effect::pairing},
    {"SYNC", command_effect::pairing},         {"UNSUBSCRIBE", command_effect::pairing},
    {"UNWATCH", command_effect::transaction},  {"WAIT", command_effect::blocks},
    {"WAITAOF", command_effect::blocks},       {"WATCH", command_effect::transaction},
    {"XREAD", command_effect::blocks},         {"XREADGROUP", command_effect::blocks},
});
constexpr std::size_t name_size_max = 12;
static_assert(std::ranges::is_sorted(table, {}, &entry::name));
static_assert(std::ranges::all_of(table,
                                  [](const entry& e) { return e.name.size() <= name_size_max; }));

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool is_word(std::string_view given, std::string_view upper_case) {
    return std::ranges::equal(given, upper_case, {}, upper);
}

bool has_block_option(const command& what) {
    for (std::size_t i = 1; i < what.argument_count(); ++i) {
        const auto word = what.argument(i);
        if (is_word(word, "STREAMS")) return false;
        if (is_word(word, "BLOCK")) return true;
        if (is_word(word, "GROUP")) i += 2;
        if (is_word(word, "COUNT")) i += 1;
    }
    return false;
}

command_effect effect_of_client(const command& what) {
    const auto word = what.argument(1);
    if (is_word(word, "REPLY")) return command_effect::pairing;
    // TRACKING makes the server send pushes; the others stay with the connection.
    constexpr auto lasting = std::to_array<std::string_view>(
        {"CACHING", "NO-EVICT", "NO-TOUCH", "SETINFO", "SETNAME", "TRACKING"});
    const bool lasts =
        std::ranges::any_of(lasting, [word](std::string_view name) { return is_word(word, name); });
    return lasts ? command_effect::session : command_effect::none;
}

}  // namespace

command_effect effect_of(const command& what) {
    const auto name = what.name();
    if (name.size() > name_size_max) return command_effect::none;
    std::array<char, name_size_max> buffer{};
    std::ranges::transform(name, buffer.begin(), upper);
    const std::string_view wanted(buffer.data(), name.size());

    const auto* found = std::ranges::lower_bound(table, wanted, {}, &entry::name);
    if (found == table.end() || found->name != wanted) return command_effect::none;
    if (wanted == "CLIENT") return effect_of_client(what);
    if (wanted.starts_with("XREAD") && !has_block_option(what)) return command_effect::none;
    return found->effect;
}

std::string_view describe(command_effect effect) {
    switch (effect) {
        case command_effect::none:
            return "runs anywhere";
        case command_effect::blocks:
            return "blocks its connection";
        case command_effect::transaction:
            return "is part of a transaction";
        case command_effect::session:
            return "changes the state of its connection";
        case command_effect::pairing:
            return "is not answered by exactly one reply";
    }
    return "is unknown";
}

void session_state::on_reply(const command& what, const value& reply) {
    const auto effect = effect_of(what);
    if (effect == command_effect::session || effect == command_effect::pairing) changed_ = true;
    if (effect != command_effect::transaction) return;

    const auto name = what.name();
    if (is_word(name, "MULTI")) in_transaction_ = true;
    if (is_word(name, "WATCH")) watches_ = true;
    // EXEC and DISCARD end the transaction when they succeed, when EXEC aborts, and when there was
    // none; any other error proves nothing.
    const bool ended = !reply.is_error() || reply.text.starts_with("EXECABORT") ||
                       reply.text.find("without MULTI") != std::string::npos;
    if ((is_word(name, "EXEC") || is_word(name, "DISCARD")) && ended) {
        in_transaction_ = false;
        watches_ = false;
    }
    if (is_word(name, "UNWATCH") && !reply.is_error() && !in_transaction_) watches_ = false;
}

}  // namespace headroom::redis
