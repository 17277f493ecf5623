// SPDX-License-Identifier: Apache-2.0
// Cuts well-formed UTF-8 between code points. Not a check: is_utf8() is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom::chat {

// The longest beginning of at most `bytes_max` bytes that ends between code points.
[[nodiscard]] std::string_view prefix_of_bytes(std::string_view text, std::size_t bytes_max);

// A conversation's title: the text's beginning on one line, runs of white space as one blank, at
// most `chars_max` code points, "…" where something was cut. "New conversation" for white space.
[[nodiscard]] std::string title_of(std::string_view text, std::size_t chars_max);

}  // namespace headroom::chat
