// SPDX-License-Identifier: Apache-2.0
#include "base/client_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/assert.hpp"

namespace headroom {
namespace {

constexpr std::array kinds{pool_kind::async, pool_kind::async_decode, pool_kind::sync,
                           pool_kind::pg,    pool_kind::executor,     pool_kind::sentinel,
                           pool_kind::tool};

constexpr std::size_t longest_kind =
    std::ranges::max(kinds, {}, [](std::string_view kind) { return kind.size(); }).size();

bool is_known_kind(std::string_view kind) {
    return std::ranges::find(kinds, kind) != kinds.end();
}

std::string clean(std::string_view part) {
    if (part.empty()) return "_";
    std::string cleaned(part);
    for (char& c : cleaned) {
        if (c < '!' || c > '~' || c == ':') c = '_';
    }
    return cleaned;
}

// FNV-1a, folded to 24 bits: tells instances apart whose tails are equal. Not for security.
std::uint32_t hash24(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : bytes) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return static_cast<std::uint32_t>((hash ^ (hash >> 24) ^ (hash >> 48)) & 0xFFFFFFU);
}

}  // namespace

std::string format_client_name(const process_identity& who, std::string_view kind) {
    HEADROOM_ASSERT(is_known_kind(kind), "a client name needs one of the known pool kinds");
    HEADROOM_ASSERT(who.pid >= 0, "a client name needs a process id");

    std::string prefix = clean(who.prefix);
    std::string instance = clean(who.instance);
    const std::string pid = fmt::format("{}", who.pid);

    // Room for the longest kind, whatever the kind: all names of a process share their first three
    // parts.
    const std::size_t room = client_name_bytes_max - 3 - longest_kind - pid.size();
    if (prefix.size() + instance.size() > room) {
        const std::size_t left_by_instance = room - std::min(room, instance.size());
        prefix.resize(std::min(prefix.size(), std::max(room / 2, left_by_instance)));
        const std::size_t instance_room = room - prefix.size();
        if (instance.size() > instance_room) {
            const std::string hash = fmt::format("{:06x}~", hash24(who.instance));
            instance = hash + instance.substr(instance.size() - (instance_room - hash.size()));
        }
    }
    return fmt::format("{}:{}:{}:{}", prefix, instance, pid, kind);
}

std::optional<client_name> parse_client_name(std::string_view text) {
    if (text.size() > client_name_bytes_max) return std::nullopt;

    std::array<std::string_view, 3> last;  // instance, pid, kind
    std::string_view rest = text;
    for (auto part = last.rbegin(); part != last.rend(); ++part) {
        const std::size_t colon = rest.rfind(':');
        if (colon == std::string_view::npos) return std::nullopt;
        *part = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
    }
    const auto [instance, pid_text, kind] = last;

    std::int64_t pid = 0;
    const char* const end = pid_text.data() + pid_text.size();
    const auto [stopped, fault] = std::from_chars(pid_text.data(), end, pid);
    if (fault != std::errc() || stopped != end || pid < 0 || !is_known_kind(kind)) {
        return std::nullopt;
    }

    // Of our form is what our function writes, and nothing else.
    client_name name{std::string(rest), std::string(instance), pid, std::string(kind)};
    if (format_client_name({name.prefix, name.instance, name.pid}, kind) != text)
        return std::nullopt;
    return name;
}

}  // namespace headroom
