// SPDX-License-Identifier: Apache-2.0
#include "postgres/core/sqlstate.hpp"

#include <algorithm>

namespace headroom::postgres {

namespace {

constexpr std::size_t sqlstate_length = 5;

bool is_sqlstate(std::string_view text) {
    return text.size() == sqlstate_length && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
}

}  // namespace

sqlstate_class classify_sqlstate(std::string_view sqlstate) noexcept {
    if (sqlstate == "23505") return sqlstate_class::unique_violation;
    if (sqlstate == "25006") return sqlstate_class::read_only;
    if (sqlstate == "53300" || sqlstate == "57P03") return sqlstate_class::not_now;
    if (sqlstate == "3D000" || sqlstate.starts_with("28")) return sqlstate_class::not_permitted;
    if (sqlstate.starts_with("08") || sqlstate.starts_with("57P0")) {
        return sqlstate_class::connection;
    }
    return sqlstate_class::statement;
}

bool evicts(sqlstate_class what) noexcept {
    switch (what) {
        case sqlstate_class::read_only:
        case sqlstate_class::connection:
        case sqlstate_class::not_now:
            return true;
        case sqlstate_class::statement:
        case sqlstate_class::unique_violation:
        case sqlstate_class::not_permitted:
            return false;
    }
    return true;
}

std::string_view find_sqlstate(std::string_view verbose_message) noexcept {
    constexpr std::string_view before = ":  ";
    std::string_view found;
    for (auto at = verbose_message.find(before); at != std::string_view::npos;
         at = verbose_message.find(before, at + 1)) {
        const auto candidate = verbose_message.substr(at + before.size(), sqlstate_length);
        const auto after = verbose_message.substr(at + before.size()).substr(candidate.size());
        if (is_sqlstate(candidate) && after.starts_with(": ")) found = candidate;
    }
    return found;
}

}  // namespace headroom::postgres
