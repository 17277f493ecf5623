// SPDX-License-Identifier: Apache-2.0
// One output channel of a program: how much of it is shown, and as which text. Reads nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chat/core/utf8_repair.hpp"

namespace headroom::chat {

class output_meter {
public:
    // The first `bytes_max` bytes are kept, cut between characters.
    explicit output_meter(std::uint64_t bytes_max) : left_(bytes_max) {}

    // What of these bytes is to be shown now: well-formed UTF-8, at most three times as many bytes.
    // The beginning of a character is held until its rest comes.
    [[nodiscard]] std::string push(std::string_view bytes);
    // The channel has ended: what was held, as U+FFFD.
    [[nodiscard]] std::string finish();

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // written, also beyond the bound
    [[nodiscard]] bool is_truncated() const { return truncated_; }

private:
    std::uint64_t left_;
    std::uint64_t bytes_ = 0;
    bool truncated_ = false;
    utf8_repair repair_;
};

}  // namespace headroom::chat
