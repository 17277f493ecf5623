// SPDX-License-Identifier: Apache-2.0
// The fenced code blocks of a message, as CommonMark has them (spec.commonmark.org/0.31.2, 4.5),
// without those inside lists and quotes. Knows no language.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headroom::chat {

struct code_block {
    std::string language;  // first word of the info string, lower case; empty when there is none
    std::string source;    // without the fences; ends with a line break unless it is empty
    bool operator==(const code_block&) const = default;
};

// The first block, also one whose closing fence is missing: it goes to the end of the text.
[[nodiscard]] std::optional<code_block> first_code_block(std::string_view text);

}  // namespace headroom::chat
