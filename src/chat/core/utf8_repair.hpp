// SPDX-License-Identifier: Apache-2.0
// Makes well-formed UTF-8 of any bytes, in whatever pieces they come: what is none becomes U+FFFD.
// Not a check: is_utf8() is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::chat {

// One U+FFFD for each maximal part of a character that was broken off, as browsers do it (Unicode
// 15, section 3.9, "U+FFFD Substitution of Maximal Subparts"). The pieces do not matter.
class utf8_repair {
public:
    // Appends what is certain now; the beginning of a character is held until its rest comes.
    void push(std::string_view bytes, std::string& to);
    // The stream has ended: what is held was no character.
    void finish(std::string& to);
    // What is held is forgotten.
    void forget() { held_bytes_ = 0; }

private:
    [[nodiscard]] bool begin(std::uint8_t lead);

    std::array<char, 4> held_{};
    std::uint8_t held_bytes_ = 0;
    std::uint8_t missing_ = 0;  // tail bytes of the character that is held
    std::uint8_t low_ = 0x80;   // the next one must be from here
    std::uint8_t high_ = 0xBF;  // to here
};

[[nodiscard]] std::string well_formed(std::string_view bytes);

}  // namespace headroom::chat
