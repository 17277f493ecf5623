// SPDX-License-Identifier: Apache-2.0
#include "chat/process/process_mark.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace headroom::chat {

std::optional<process_mark> mark_of(pid_t pid) {
    if (pid <= 0) return std::nullopt;
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    // The second field is the name in parentheses, which may itself hold spaces and parentheses.
    const std::size_t after_name = line.rfind(')');
    if (after_name == std::string::npos) return std::nullopt;
    std::istringstream fields(line.substr(after_name + 1));
    std::string field;
    for (int number = 3; fields >> field; ++number) {
        if (number == 3 && (field == "Z" || field == "X")) return std::nullopt;
        if (number != 22) continue;
        process_mark mark{.pid = pid};
        const auto parsed =
            std::from_chars(field.data(), field.data() + field.size(), mark.start_time);
        if (parsed.ec != std::errc{}) return std::nullopt;
        return mark;
    }
    return std::nullopt;
}

bool is_alive(const process_mark& one) {
    return mark_of(one.pid) == one;
}

std::string working_folder_of(pid_t pid) {
    std::error_code ignored;
    return std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", pid), ignored).string();
}

}  // namespace headroom::chat
