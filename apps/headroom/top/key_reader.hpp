// SPDX-License-Identifier: Apache-2.0
// The bytes that a terminal sends, as keys. Pure; what is no key here is dropped.
// Sequences as xterm sends them: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::tool {

enum class key_name : std::uint8_t {
    text,  // one character, in `text`
    enter,
    escape,
    erase,
    interrupt,  // Ctrl-C
    up,
    down,
    page_up,
    page_down,
    home,
    end,
};

struct key {
    key_name name = key_name::text;
    std::string text = {};  // UTF-8

    bool operator==(const key&) const = default;
};

class key_reader {
public:
    // Those that are complete. The same keys however the bytes are split.
    [[nodiscard]] std::vector<key> read(std::string_view bytes);
    // Nothing followed for a moment: an Esc that was begun is the key.
    [[nodiscard]] std::vector<key> read_pause();
    // read_pause() may give a key.
    [[nodiscard]] bool is_waiting() const { return !held_.empty(); }

private:
    std::string held_;  // the beginning of a key
};

}  // namespace headroom::tool
