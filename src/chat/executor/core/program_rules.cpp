// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/program_rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "base/text.hpp"
#include "chat/executor/core/init_wire.hpp"
#include "chat/executor/core/languages.hpp"

namespace headroom::chat {
namespace {

constexpr std::size_t arguments_max = 200;
constexpr std::size_t arguments_bytes_max = 128UL * 1024;
constexpr std::size_t variables_max = 64;
constexpr std::size_t variables_bytes_max = 64UL * 1024;
constexpr std::size_t name_bytes_max = 128;
constexpr std::size_t source_bytes_max = 1024UL * 1024;
static_assert(arguments_max + 2 < init_arguments_max);

constexpr std::array own_names{std::string_view("PATH"), std::string_view("HOME"),
                               std::string_view("TMPDIR"), std::string_view("LANG")};

bool has_nul(std::string_view text) {
    return text.contains('\0');
}

bool is_name(std::string_view text) {
    const auto is_start = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && text.size() <= name_bytes_max && is_start(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return is_start(c) || (c >= '0' && c <= '9'); });
}

std::optional<std::string> fault_of_environment(const std::map<std::string, std::string>& given) {
    if (given.size() > variables_max)
        return fmt::format("environment: {} variables, at most {}", given.size(), variables_max);
    std::size_t bytes = 0;
    for (const auto& [name, value] : given) {
        const std::string shown = printable_excerpt(name, 60);
        if (!is_name(name))
            return fmt::format("environment: {:?} is no name like [A-Z_][A-Z0-9_]*", shown);
        if (name.starts_with("LD_") || name.starts_with("CHAT_") ||
            std::ranges::find(own_names, name) != own_names.end())
            return fmt::format("environment: {} is the executor's own: choose another name", shown);
        if (has_nul(value)) return fmt::format("environment: the value of {} has a NUL", shown);
        bytes += name.size() + value.size() + 2;
    }
    if (bytes > variables_bytes_max)
        return fmt::format("environment: {} bytes, at most {}", bytes, variables_bytes_max);
    return std::nullopt;
}

std::optional<std::string> fault_of_program(const execution_program& program) {
    if (program.language.empty() == program.arguments.empty())
        return "program: exactly one of language and arguments is needed";
    if (program.language.empty()) {
        if (!program.source.empty()) return "program: source needs a language";
        std::size_t bytes = 0;
        for (const std::string& word : program.arguments) {
            if (has_nul(word)) return "program: an argument has a NUL";
            bytes += word.size() + 1;
        }
        if (program.arguments.front().empty()) return "program: the name of the program is empty";
        if (program.arguments.size() > arguments_max || bytes > arguments_bytes_max)
            return fmt::format("program: {} arguments of {} bytes, at most {} of {}",
                               program.arguments.size(), bytes, arguments_max, arguments_bytes_max);
        return std::nullopt;
    }
    if (!is_known_language(program.language))
        return fmt::format("program: {:?} is no language that can be run here: {}",
                           printable_excerpt(program.language, 40), language_names());
    if (program.source.size() > source_bytes_max)
        return fmt::format("program: {} bytes of source, at most {}", program.source.size(),
                           source_bytes_max);
    return std::nullopt;
}

std::optional<std::string> fault_of_limits(const execution_limits& given) {
    using std::chrono::hours;
    constexpr std::uint64_t bytes_max = 1ULL << 50;
    const auto is_time = [](std::chrono::milliseconds time) {
        return time.count() > 0 && time <= hours(24 * 7);
    };
    const auto is_size = [](std::uint64_t bytes) { return bytes > 0 && bytes <= bytes_max; };
    if (!is_time(given.wall_time)) return "limits: wall_time is not between 1 ms and a week";
    if (!is_time(given.cpu_time)) return "limits: cpu_time is not between 1 ms and a week";
    if (!is_size(given.memory_bytes) || given.memory_bytes < 4096)
        return "limits: memory_bytes is not between 4096 and 2^50";
    if (!is_size(given.file_bytes)) return "limits: file_bytes is not between 1 and 2^50";
    if (!is_size(given.folder_bytes)) return "limits: folder_bytes is not between 1 and 2^50";
    if (given.processes == 0 || given.processes > 10'000)
        return "limits: processes is not between 1 and 10000";
    // Standard input, output, error, the events, and one for the file that is executed.
    if (given.open_files < 8 || given.open_files > 100'000)
        return "limits: open_files is not between 8 and 100000";
    if (given.folder_entries == 0 || given.folder_entries > 1'000'000)
        return "limits: folder_entries is not between 1 and 1000000";
    return std::nullopt;
}

}  // namespace

std::optional<std::string> fault_of(const execution_request& what) {
    if (!is_execution_id(what.execution_id))
        return "execution_id: not 1 to 40 of 0-9, A-Z, a-z, _ and -";
    if (auto fault = fault_of_program(what.program)) return fault;
    if (auto fault = fault_of_environment(what.environment)) return fault;
    return fault_of_limits(what.limits);
}

std::vector<std::string> arguments_of(const execution_request& what) {
    const auto language = find_language(what.program.language);
    if (!language) return what.program.arguments;
    std::vector<std::string> words(language->interpreter.begin(), language->interpreter.end());
    words.emplace_back(language->file_name);
    return words;
}

std::vector<std::string> environment_of(const execution_request& what,
                                        const program_places& where) {
    auto all = what.environment;
    all["PATH"] = where.programs + ":/usr/local/bin:/usr/bin:/bin";
    all["HOME"] = where.work;
    all["TMPDIR"] = where.temporary;
    all["LANG"] = "C.UTF-8";
    all["CHAT_EXECUTION_ID"] = what.execution_id;
    all["CHAT_WORK_DIR"] = where.work;
    all["CHAT_OUTPUT_DIR"] = where.output;
    all["CHAT_EVENTS_FD"] = fmt::format("{}", init_events_descriptor);
    std::vector<std::string> lines;
    for (const auto& [name, value] : all)
        lines.push_back(name + "=" + value);
    return lines;
}

}  // namespace headroom::chat
