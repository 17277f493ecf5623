// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/client_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace headroom::inspect {
namespace {

// A name is at most what SETNAME takes in one command; real lines are about 350 bytes.
constexpr std::size_t line_bytes_max = 64 * 1024;

std::uint64_t number(std::string_view text) {
    std::uint64_t parsed = 0;
    const auto [at, fault] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    return fault == std::errc{} && at == text.data() + text.size() ? parsed : 0;
}

seconds to_seconds(std::string_view text) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
    return seconds(static_cast<std::int64_t>(std::min(number(text), most)));
}

// "10.0.0.7:5123", "[::1]:5123"; of a unix socket "/tmp/r.sock:0".
std::string host_of(std::string_view address) {
    if (address.starts_with('/')) return "local";
    const auto host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) {
        return std::string(host.substr(1, host.size() - 2));
    }
    return std::string(host);
}

// Of the letters of `flags` the one that tells most.
std::string_view state_of(std::string_view flags) {
    constexpr auto known = std::to_array<std::pair<char, std::string_view>>({{'S', "replica"},
                                                                             {'M', "primary"},
                                                                             {'O', "monitor"},
                                                                             {'b', "blocked"},
                                                                             {'x', "multi"},
                                                                             {'P', "pubsub"}});
    for (const auto& [letter, word] : known)
        if (flags.find(letter) != std::string_view::npos) return word;
    return "normal";
}

void set_field(redis_client& to, std::string_view key, std::string_view value) {
    auto& held = to.held;
    if (key == "id") to.id = number(value);
    if (key == "addr") held.address = host_of(value);
    if (key == "name") held.name = value;
    if (key == "age") held.age = to_seconds(value);
    if (key == "idle") held.idle = to_seconds(value);
    if (key == "flags") held.state = state_of(value);
    if (key == "omem") held.output_bytes = number(value);
    if (key == "cmd" && value != "NULL") held.last_command = value;
    if (key == "user") held.user = value;
}

}  // namespace

// Fields are parted by spaces and hold none: Redis refuses a name with one.
std::optional<redis_client> parse_client(std::string_view line) {
    redis_client client;
    client.held.server = server_kind::redis;
    while (!line.empty()) {
        const auto end = line.find(' ');
        const auto field = line.substr(0, end);
        line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
        const auto equals = field.find('=');
        if (equals == std::string_view::npos) continue;
        set_field(client, field.substr(0, equals), field.substr(equals + 1));
    }
    if (client.id == 0) return std::nullopt;
    client.held.ours = parse_client_name(client.held.name);
    return client;
}

void client_list_reader::on_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        const bool is_whole = end != std::string_view::npos;
        bytes.remove_prefix(is_whole ? end + 1 : bytes.size());
        if (is_whole && line_.empty() && !is_too_long_) {
            take(piece);
            continue;
        }
        if (line_.size() + piece.size() > line_bytes_max) is_too_long_ = true;
        if (!is_too_long_) line_.append(piece);
        if (is_whole) on_end();
    }
}

void client_list_reader::on_end() {
    if (is_too_long_) {
        ++skipped_;
    } else if (!line_.empty()) {
        take(line_);
    }
    line_.clear();
    is_too_long_ = false;
}

void client_list_reader::take(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return;
    if (auto client = parse_client(line)) {
        each_(std::move(*client));
    } else {
        ++skipped_;
    }
}

}  // namespace headroom::inspect
