// SPDX-License-Identifier: Apache-2.0
#include "chat/process/program_search.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <utility>

namespace headroom::chat {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

bool has_postgres(const fs::path& folder) {
    return std::ranges::all_of(
        std::initializer_list<const char*>{"initdb", "postgres", "pg_isready"},
        [&](const char* name) { return is_program(folder / name); });
}

std::vector<std::string> folders_of(std::string_view path_variable) {
    std::vector<std::string> folders;
    while (!path_variable.empty()) {
        const std::size_t end = std::min(path_variable.find(':'), path_variable.size());
        // An empty or relative entry means the working folder: no place to take servers from.
        if (path_variable.starts_with('/')) folders.emplace_back(path_variable.substr(0, end));
        path_variable.remove_prefix(std::min(end + 1, path_variable.size()));
    }
    return folders;
}

std::vector<std::string> debian_folders() {
    std::vector<std::pair<int, std::string>> versions;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
        const std::string name = entry.path().filename().string();
        int version = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), version).ec == std::errc{})
            versions.emplace_back(version, (entry.path() / "bin").string());
    }
    std::ranges::sort(versions, std::greater{});
    std::vector<std::string> folders;
    for (auto& [version, folder] : versions)
        folders.push_back(std::move(folder));
    return folders;
}

}  // namespace

std::optional<std::string> find_program(std::string_view path_variable, std::string_view name) {
    for (const std::string& folder : folders_of(path_variable)) {
        if (is_program(fs::path(folder) / name)) return (fs::path(folder) / name).string();
    }
    return std::nullopt;
}

std::vector<std::string> postgres_folders(std::string_view path_variable) {
    std::vector<std::string> found;
    const auto consider = [&found](const fs::path& folder) {
        if (!has_postgres(folder)) return;
        // The folder of the real program: initdb finds its neighbours there.
        std::error_code ignored;
        const auto real = fs::canonical(folder / "postgres", ignored).parent_path();
        const std::string text = has_postgres(real) ? real.string() : folder.string();
        if (std::ranges::find(found, text) == found.end()) found.push_back(text);
    };
    for (const std::string& folder : folders_of(path_variable))
        consider(folder);
    for (const std::string& folder : debian_folders())
        consider(folder);
    return found;
}

}  // namespace headroom::chat
