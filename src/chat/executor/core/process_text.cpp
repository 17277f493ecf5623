// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/process_text.hpp"

#include <array>
#include <charconv>

namespace headroom::chat {
namespace {

template <class Number>
std::optional<Number> take_number(std::string_view& text) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return std::nullopt;
    text.remove_prefix(start);
    Number number{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// The number after "\nname:", or at the start.
std::optional<std::uint64_t> value_of(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
        line.remove_prefix(name.size() + 1);
        return take_number<std::uint64_t>(line);
    }
    return std::nullopt;
}

}  // namespace

std::optional<process_stat> parse_process_stat(std::string_view text) {
    const std::size_t after_name = text.rfind(')');
    if (after_name == std::string_view::npos || after_name + 4 > text.size()) return std::nullopt;
    process_stat stat;
    std::string_view start = text;
    const auto pid = take_number<std::int64_t>(start);
    if (!pid) return std::nullopt;
    stat.pid = *pid;
    text.remove_prefix(after_name + 3);  // ") S"
    // Fields 4 to 24, numbered as in the manual.
    std::array<std::int64_t, 25> fields{};
    for (std::size_t number = 4; number < fields.size(); ++number) {
        // Field 22 and others are unsigned, but none comes near the sign.
        const auto value = take_number<std::int64_t>(text);
        if (!value) return std::nullopt;
        fields[number] = *value;
    }
    const auto unsigned_field = [&fields](std::size_t number) {
        return fields[number] < 0 ? 0 : static_cast<std::uint64_t>(fields[number]);
    };
    stat.parent = fields[4];
    stat.own_ticks = unsigned_field(14) + unsigned_field(15);
    stat.reaped_ticks = unsigned_field(16) + unsigned_field(17);
    stat.threads = static_cast<std::uint32_t>(unsigned_field(20));
    stat.start_time = unsigned_field(22);
    stat.resident_pages = unsigned_field(24);
    return stat;
}

std::optional<shared_memory_sample> parse_smaps_rollup(std::string_view text) {
    const auto anonymous = value_of(text, "Pss_Anon");
    const auto files = value_of(text, "Pss_File");
    const auto shared = value_of(text, "Pss_Shmem");
    if (!anonymous || !files || !shared) return std::nullopt;
    return shared_memory_sample{.private_bytes = (*anonymous + *files) * 1024,
                                .shared_bytes = *shared * 1024};
}

std::optional<std::uint64_t> parse_written_bytes(std::string_view text) {
    const auto written = value_of(text, "write_bytes");
    const auto cancelled = value_of(text, "cancelled_write_bytes");
    if (!written || !cancelled) return std::nullopt;
    return *written > *cancelled ? *written - *cancelled : 0;
}

}  // namespace headroom::chat
