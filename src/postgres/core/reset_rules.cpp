// SPDX-License-Identifier: Apache-2.0
#include "postgres/core/reset_rules.hpp"

#include <algorithm>
#include <array>

namespace headroom::postgres {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word_byte(char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// `word` is in lower case.
bool has_word(std::string_view text, std::string_view word) {
    const auto same = [](char a, char b) { return lower(a) == b; };
    auto from = text.begin();
    for (;;) {
        const auto at = std::search(from, text.end(), word.begin(), word.end(), same);
        if (at == text.end()) return false;
        const auto after = at + static_cast<std::ptrdiff_t>(word.size());
        const bool begins = at == text.begin() || !is_word_byte(*(at - 1));
        const bool ends = after == text.end() || !is_word_byte(*after);
        if (begins && ends) return true;
        from = at + 1;
    }
}

}  // namespace

bool tag_leaves_state(std::string_view command_tag) noexcept {
    constexpr auto leaving = std::to_array<std::string_view>(
        {"SET", "RESET", "LISTEN", "PREPARE", "DECLARE CURSOR", "LOAD"});
    return std::ranges::find(leaving, command_tag) != leaving.end();
}

bool text_leaves_state(std::string_view sql) noexcept {
    constexpr auto leaving = std::to_array<std::string_view>(
        {"temp", "temporary", "pg_temp", "set_config", "pg_advisory_lock",
         "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared"});
    return std::ranges::any_of(leaving, [sql](auto word) { return has_word(sql, word); });
}

}  // namespace headroom::postgres
