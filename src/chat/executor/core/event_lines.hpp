// SPDX-License-Identifier: Apache-2.0
// Lines out of what a program writes to its events: one that is too long is skipped to its end, and
// told as one. What a line means is not known here. (Where a peer that sends such a line is not
// heard further: core/line_frames.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::chat {

struct event_line_text {
    std::uint64_t number = 0;  // from 1
    std::string_view text;     // without its end; until the next call
    bool is_too_long = false;  // then `text` is empty
};

class event_lines {
public:
    explicit event_lines(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

    // Takes the next line out of the front of `bytes`; empty when they hold no whole one: then all
    // of them are taken. Call it until then.
    [[nodiscard]] std::optional<event_line_text> next(std::string_view& bytes);
    // The stream has ended: a last line without a line break.
    [[nodiscard]] std::optional<event_line_text> finish();

private:
    [[nodiscard]] event_line_text whole(std::string_view text, bool is_too_long);

    std::size_t line_bytes_max_;
    std::uint64_t number_ = 0;
    std::string held_;  // of a line whose end has not come
    bool held_was_given_ = false;
    bool skipping_ = false;  // the line that comes is too long already
};

}  // namespace headroom::chat
