// SPDX-License-Identifier: Apache-2.0
// The shapes in which the store's statements answer. Only the store's files include it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chat/store/chat_store.hpp"
#include "postgres/rows.hpp"

namespace headroom::chat {

// to_char() of a column into 2026-01-31T12:00:00.000Z; empty for NULL.
#define HEADROOM_ISO_TIME(column) \
    "coalesce(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '')"

// 8-4-4-4-12 hexadecimal digits: what may be given to a uuid column.
[[nodiscard]] bool is_uuid(std::string_view text);

// Columns turn_id, conversation_id, session_id from `column` on.
[[nodiscard]] turn_reference read_reference(const postgres::rows& from, std::size_t row,
                                            std::size_t column = 0);
// The first row, if there is one.
[[nodiscard]] std::optional<turn_reference> read_next(const postgres::rows& from);
[[nodiscard]] conversation_summary read_summary(const postgres::rows& from, std::size_t row);
[[nodiscard]] result<stored_turn> read_turn(const postgres::rows& from, std::size_t row);
[[nodiscard]] result<turn_standing> read_standing(const postgres::rows& from);
[[nodiscard]] result<std::uint64_t> read_count(const postgres::rows& from, std::size_t row,
                                               std::size_t column);

}  // namespace headroom::chat
