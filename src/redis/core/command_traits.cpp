// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command_traits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace headroom::redis {

namespace {

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool is_word(std::string_view given, std::string_view upper_case) {
    return std::ranges::equal(given, upper_case, {}, upper);
}

bool is_one_of(std::string_view given, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words, [given](std::string_view w) { return is_word(given, w); });
}

// True when one of `words` stands at `from` or later.
bool has_word(const command& what, std::size_t from,
              std::initializer_list<std::string_view> words) {
    for (auto i = from; i < what.argument_count(); ++i) {
        if (is_one_of(what.argument(i), words)) return true;
    }
    return false;
}

// The row of the subcommand, where the command has some and this one is known.
const command_traits* find_row(const command& what) {
    const auto* row = find_traits(what.name());
    if (row == nullptr || row->looks_at != argument_rule::subcommand) return row;
    const auto second = what.argument(1);
    std::array<char, 32> both{};
    const auto size = row->name.size() + 1 + second.size();
    if (second.empty() || size > both.size()) return row;
    auto* end = std::ranges::copy(row->name, both.begin()).out;
    *end++ = ' ';
    std::ranges::copy(second, end);
    const auto* found = find_traits({both.data(), size});
    return found != nullptr ? found : row;
}

// Where the time of XREAD's or XREADGROUP's BLOCK stands; 0: it does not block.
std::size_t block_argument(const command& what) {
    for (std::size_t i = 1; i < what.argument_count(); ++i) {
        const auto word = what.argument(i);
        if (is_word(word, "STREAMS")) return 0;
        if (is_word(word, "BLOCK")) return i + 1;
        if (is_word(word, "GROUP")) i += 2;
        if (is_word(word, "COUNT")) i += 1;
    }
    return 0;
}

// Options stand before the scores: "ZADD key NX INCR 1 member", where "INCR" may be a member, too.
bool has_incr_option(const command& what) {
    for (std::size_t i = 2; i < what.argument_count(); ++i) {
        const auto word = what.argument(i);
        if (is_word(word, "INCR")) return true;
        if (!is_one_of(word, {"NX", "XX", "GT", "LT", "CH"})) return false;
    }
    return false;
}

std::optional<std::size_t> number_at(const command& what, std::size_t index) {
    const auto word = what.argument(index);
    std::size_t number = 0;
    const auto end = std::from_chars(word.data(), word.data() + word.size(), number);
    if (word.empty() || end.ec != std::errc{} || end.ptr != word.data() + word.size()) return {};
    return number;
}

using key_list = std::vector<std::string_view>;

void append_range(key_list& to, const command& what, std::size_t first, std::size_t count,
                  std::size_t step = 1) {
    for (; count > 0 && first < what.argument_count(); --count, first += step)
        to.push_back(what.argument(first));
}

void append_span(key_list& to, const command& what, const key_rule& rule) {
    const auto count = static_cast<std::ptrdiff_t>(what.argument_count());
    const std::ptrdiff_t last = rule.last < 0 ? count + rule.last : rule.last;
    for (std::ptrdiff_t i = rule.first; i <= last && i < count; i += rule.step)
        to.push_back(what.argument(static_cast<std::size_t>(i)));
}

void append_after_streams(key_list& to, const command& what) {
    for (std::size_t i = 1; i < what.argument_count(); ++i) {
        const auto word = what.argument(i);
        if (is_word(word, "STREAMS")) {
            const auto left = what.argument_count() - i - 1;
            return append_range(to, what, i + 1, left / 2);
        }
        if (is_word(word, "GROUP")) i += 2;
        if (is_one_of(word, {"COUNT", "BLOCK"})) i += 1;
    }
}

void append_with_store(key_list& to, const command& what) {
    append_range(to, what, 1, 1);
    std::string_view stored;  // the last one counts, as on the server
    for (std::size_t i = 2; i + 1 < what.argument_count(); ++i) {
        if (is_one_of(what.argument(i), {"STORE", "STOREDIST"})) stored = what.argument(++i);
    }
    if (stored.data() != nullptr) to.push_back(stored);
}

void append_migrated(key_list& to, const command& what) {
    if (!what.argument(3).empty()) return append_range(to, what, 3, 1);
    for (std::size_t i = 6; i < what.argument_count(); ++i) {
        if (is_word(what.argument(i), "KEYS"))
            return append_range(to, what, i + 1, what.argument_count() - i - 1);
    }
}

}  // namespace

command_effect effect_of(const command& what) {
    const auto* row = find_traits(what.name());
    if (row == nullptr) return command_effect::none;
    if (row->looks_at == argument_rule::none) return row->effect;
    if (row->looks_at == argument_rule::subcommand) return find_row(what)->effect;
    if (row->looks_at == argument_rule::block && block_argument(what) == 0) {
        return command_effect::none;
    }
    return row->effect;
}

side_effect side_effect_of(const command& what) {
    const auto* row = find_row(what);
    if (row == nullptr) return side_effect::not_repeatable;
    switch (row->looks_at) {
        case argument_rule::none:
        case argument_rule::subcommand:
        case argument_rule::block:
            return row->side;
        case argument_rule::set:
            return has_word(what, 3, {"NX", "GET", "IFEQ"}) ? side_effect::not_repeatable
                                                            : row->side;
        case argument_rule::zadd:
            return has_incr_option(what) ? side_effect::not_repeatable : row->side;
        case argument_rule::store:
            return has_word(what, 2, {"STORE", "STOREDIST"}) ? row->side : side_effect::reads;
        case argument_rule::bitfield:
            return has_word(what, 2, {"SET", "INCRBY"}) ? row->side : side_effect::reads;
        case argument_rule::getex: {
            const bool is_of_hash = upper(what.name().front()) == 'H';
            const bool has_options =
                is_of_hash ? !is_word(what.argument(2), "FIELDS") : what.argument_count() > 2;
            return has_options ? row->side : side_effect::reads;
        }
    }
    return side_effect::not_repeatable;
}

side_effect side_effect_of(std::span<const command> what) {
    auto worst = side_effect::reads;
    for (const auto& each : what)
        worst = std::max(worst, side_effect_of(each));
    return worst;
}

bool may_answer_much(const command& what) {
    const auto* row = find_row(what);
    return row != nullptr && row->may_answer_much;
}

command_place place_of(const command& what) {
    const auto* row = find_traits(what.name());
    if (row == nullptr) return command_place::shared;
    auto effect = row->effect;
    if (row->looks_at != argument_rule::none) [[unlikely]] {
        if (row->looks_at == argument_rule::subcommand) row = find_row(what);
        effect = effect_of(what);
    }
    if (effect == command_effect::blocks) return command_place::alone;
    if (effect != command_effect::none) return command_place::elsewhere;
    return row->may_answer_much ? command_place::alone : command_place::shared;
}

std::vector<std::string_view> keys_of(const command& what) {
    key_list keys;
    const auto* row = find_row(what);
    if (row == nullptr) return keys;
    switch (row->keys.layout) {
        case key_layout::none:
            break;
        case key_layout::span:
            append_span(keys, what, row->keys);
            break;
        case key_layout::counted: {
            const auto at = static_cast<std::size_t>(row->keys.first);
            append_range(keys, what, at + 1, number_at(what, at).value_or(0));
            break;
        }
        case key_layout::stored_counted:
            append_range(keys, what, 1, 1);
            append_range(keys, what, 3, number_at(what, 2).value_or(0));
            break;
        case key_layout::after_streams:
            append_after_streams(keys, what);
            break;
        case key_layout::with_store:
            append_with_store(keys, what);
            break;
        case key_layout::migrated:
            append_migrated(keys, what);
            break;
    }
    return keys;
}

std::optional<std::chrono::milliseconds> block_time_of(const command& what) {
    using std::chrono::milliseconds;
    const auto name = what.name();
    const auto count = what.argument_count();
    std::size_t at = count - 1;  // BLPOP and its like: seconds, last
    double unit = 1000;
    if (is_one_of(name, {"BLMPOP", "BZMPOP"})) at = 1;
    if (is_one_of(name, {"XREAD", "XREADGROUP"})) at = block_argument(what);
    if (is_one_of(name, {"XREAD", "XREADGROUP", "WAIT", "WAITAOF"})) unit = 1;
    const auto word = at == 0 ? std::string_view{} : what.argument(at);
    double number = 0;
    const auto end = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool is_number = !word.empty() && end.ec == std::errc{} && std::isfinite(number);
    if (!is_number || number < 0) return milliseconds(0);
    if (number == 0) return std::nullopt;
    constexpr double longest = 1e15;  // what the server refuses anyway
    return milliseconds(static_cast<std::int64_t>(std::ceil(std::min(number * unit, longest))));
}

std::optional<std::string> explain_block_time(const command& what, clock::time_point now,
                                              deadline by) {
    if (effect_of(what) != command_effect::blocks) return std::nullopt;
    const auto wanted = block_time_of(what);
    if (!wanted && by != deadline::max()) return std::nullopt;
    if (!wanted)
        return fmt::format("{} blocks until something comes: give it a deadline", what.name());
    if (by == deadline::max()) return std::nullopt;
    const auto left = std::chrono::floor<std::chrono::milliseconds>(by - now);
    if (*wanted <= left) return std::nullopt;
    return fmt::format(
        "{} may block for {} ms, and its deadline is in {} ms: what it takes after "
        "that would be lost; set the deadline beyond the block time",
        what.name(), wanted->count(), left.count());
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
        case command_effect::administers:
            return "stalls, stops or re-roles the whole server";
    }
    return "is unknown";
}

std::string explain_not_allowed(const command& what) {
    const auto effect = effect_of(what);
    const auto name = what.name();
    std::string text(name);
    const auto* row = find_traits(name);
    if (row != nullptr && row->looks_at == argument_rule::subcommand && what.argument_count() > 1)
        text.append(" ").append(what.argument(1).substr(0, 32));
    text.append(" ").append(describe(effect)).append(": ");
    switch (effect) {
        case command_effect::none:
            return text;
        case command_effect::blocks:
            return text +
                   "run it alone with execute(), which takes a connection for it, or on a lease";
        case command_effect::transaction:
            return text + "take a lease and keep it until the transaction has ended";
        case command_effect::session:
            return text +
                   "take a lease, which is closed afterwards; user, database and name of all "
                   "connections are options of the client";
        case command_effect::pairing:
            if (is_one_of(name, {"HELLO", "RESET", "QUIT"}))
                return text + "connections are opened and closed by the client itself";
            if (is_one_of(name, {"MONITOR", "SYNC", "PSYNC", "REPLCONF", "CLIENT"}))
                return text + "no connection of a pool may run it; use a tool such as redis-cli";
            return text + "use a subscriber for channels";
        case command_effect::administers:
            return text + "take a lease if that is what you mean";
    }
    return text;
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
