// SPDX-License-Identifier: Apache-2.0
// Lines out of a stream of bytes that comes in any pieces, each line bounded. What a line means is
// not known here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::chat {

class line_frames {
public:
    explicit line_frames(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

    // Call next() until it is empty before the next push.
    void push(std::string_view bytes);
    // The next whole line, without its end.
    [[nodiscard]] std::optional<std::string> next();
    // A line was longer than the bound: whoever sent it is not to be trusted further.
    [[nodiscard]] bool is_overlong() const;

private:
    std::size_t line_bytes_max_;
    std::string held_;
    std::size_t read_ = 0;  // start of what next() has not given yet
    bool overlong_ = false;
};

}  // namespace headroom::chat
