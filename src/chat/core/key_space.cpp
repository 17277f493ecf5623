// SPDX-License-Identifier: Apache-2.0
#include "chat/core/key_space.hpp"

namespace headroom::chat {

namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

std::string escaped(std::string_view part) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : part) {
        if (is_plain(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

}  // namespace

key_space::key_space(const scope& whose)
    : tag_("{" + escaped(whose.tenant) + ":" + escaped(whose.project) + "}"),
      session_prefix_(tag_ + ":session:") {}

std::string key_space::lane(std::string_view name) const {
    return tag_ + ":turns:" + escaped(name);
}
std::string key_space::known_turns() const {
    return tag_ + ":known-turns";
}
std::string key_space::work_channel() const {
    return tag_ + ":work";
}
std::string key_space::history(std::string_view session) const {
    return tag_ + ":history:" + escaped(session);
}
std::string key_space::session_channel(std::string_view session) const {
    return session_prefix_ + escaped(session);
}
std::string key_space::heartbeat(std::string_view worker) const {
    return tag_ + ":worker:" + escaped(worker);
}

std::string_view key_space::session_of(std::string_view channel) const {
    if (!channel.starts_with(session_prefix_)) return {};
    return channel.substr(session_prefix_.size());
}

}  // namespace headroom::chat
