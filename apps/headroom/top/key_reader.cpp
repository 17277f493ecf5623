// SPDX-License-Identifier: Apache-2.0
#include "headroom/top/key_reader.hpp"

#include <array>
#include <optional>

#include "base/text.hpp"

namespace headroom::tool {
namespace {

constexpr char escape_byte = '\x1b';
constexpr std::size_t sequence_bytes_max = 16;  // longer than any that is known here

struct named_sequence {
    std::string_view after_escape;
    key_name name;
};
constexpr std::array<named_sequence, 14> sequences{{
    {"[A", key_name::up},
    {"OA", key_name::up},
    {"[B", key_name::down},
    {"OB", key_name::down},
    {"[5~", key_name::page_up},
    {"[6~", key_name::page_down},
    {"[H", key_name::home},
    {"OH", key_name::home},
    {"[1~", key_name::home},
    {"[F", key_name::end},
    {"OF", key_name::end},
    {"[4~", key_name::end},
    {"[7~", key_name::home},
    {"[8~", key_name::end},
}};

// What stands at the front: so many bytes, and the key they mean, if any. No bytes: more must come.
struct piece {
    std::size_t bytes = 0;
    std::optional<key> meant = {};
};

// CSI ends with a byte '@'..'~', SS3 with the byte behind the 'O'.
piece sequence_of(std::string_view bytes) {
    if (bytes.size() < 2) return {};
    if (bytes[1] != '[' && bytes[1] != 'O') return {1, key{key_name::escape}};
    for (std::size_t i = 2; i < bytes.size(); ++i) {
        const auto c = static_cast<unsigned char>(bytes[i]);
        if (c < ' ' || c > '~') return {i, std::nullopt};  // broken off: begin anew with this byte
        if (bytes[1] == '[' && c < '@') {
            if (i == sequence_bytes_max) return {i + 1, std::nullopt};
            continue;
        }
        const auto whole = bytes.substr(1, i);
        for (const auto& one : sequences)
            if (one.after_escape == whole) return {i + 1, key{one.name}};
        return {i + 1, std::nullopt};
    }
    return {};
}

std::size_t character_bytes(unsigned char lead) {
    if (lead < 0xC2 || lead > 0xF4) return 1;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

piece character_of(std::string_view bytes) {
    const auto wanted = character_bytes(static_cast<unsigned char>(bytes.front()));
    for (std::size_t i = 1; i < wanted; ++i) {
        if (i == bytes.size()) return {};
        if ((static_cast<unsigned char>(bytes[i]) & 0xC0U) != 0x80U) return {i, std::nullopt};
    }
    const auto character = bytes.substr(0, wanted);
    if (!is_utf8(character)) return {wanted, std::nullopt};
    return {wanted, key{key_name::text, std::string(character)}};
}

piece first_of(std::string_view bytes) {
    switch (bytes.front()) {
        case escape_byte:
            return sequence_of(bytes);
        case '\r':
        case '\n':
            return {1, key{key_name::enter}};
        case '\b':
        case '\x7f':
            return {1, key{key_name::erase}};
        case '\x03':
            return {1, key{key_name::interrupt}};
        default:
            break;
    }
    const bool is_control = bytes.front() >= 0 && bytes.front() < ' ';
    return is_control ? piece{1, std::nullopt} : character_of(bytes);
}

}  // namespace

std::vector<key> key_reader::read(std::string_view bytes) {
    held_ += bytes;
    std::vector<key> keys;
    std::size_t at = 0;
    while (at < held_.size()) {
        auto one = first_of(std::string_view(held_).substr(at));
        if (one.bytes == 0) break;
        if (one.meant) keys.push_back(std::move(*one.meant));
        at += one.bytes;
    }
    held_.erase(0, at);
    return keys;
}

std::vector<key> key_reader::read_pause() {
    const bool is_escape = held_.starts_with(escape_byte);
    const auto rest = is_escape ? held_.substr(1) : std::string();
    held_.clear();
    if (!is_escape) return {};  // half a character
    std::vector<key> keys{{key_name::escape}};
    for (auto& one : read(rest))
        keys.push_back(std::move(one));
    return keys;
}

}  // namespace headroom::tool
