// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/init_plan.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

namespace headroom::chat {
namespace {

// So that a program can be seen beyond its limit, which is told, before the kernel refuses the
// next one, which a program may not tell. The first of them is chat-executor-init.
constexpr std::uint64_t processes_slack = 8;

std::string_view to_string(init_step step) {
    switch (step) {
        case init_step::none:
            break;
        case init_step::plan:
            return "reading its plan";
        case init_step::descriptors:
            return "placing the descriptors";
        case init_step::fork:
            return "starting a process";
        case init_step::session:
            return "making a session";
        case init_step::limits:
            return "setting the limits";
        case init_step::user:
            return "changing the user";
        case init_step::filter:
            return "setting the filter of system calls";
    }
    return "an unknown step";
}

}  // namespace

void set_limits(init_header& header, const execution_limits& within,
                std::uint64_t processes_beside) {
    header.processes = within.processes + processes_slack + processes_beside;
    header.open_files = within.open_files;
    // Whole seconds, and not before the watch, which counts all processes together.
    header.cpu_seconds = static_cast<std::uint64_t>((within.cpu_time.count() + 999) / 1000) + 1;
    // Address space, not memory: stacks of threads are mostly never touched. What is in memory is
    // watched; this stops a process that fills it faster than one looks.
    header.data_bytes = within.memory_bytes * 2;
    header.file_bytes = within.file_bytes;
}

std::optional<std::string> to_bytes(const init_plan& plan) {
    if (plan.arguments.empty() || plan.arguments.size() > init_arguments_max ||
        plan.variables.size() > init_variables_max)
        return std::nullopt;
    std::string words;
    for (const auto* list : {&plan.arguments, &plan.variables}) {
        for (const std::string& word : *list)
            words.append(word).push_back('\0');
    }
    const std::size_t size = sizeof plan.header + plan.filter.size() + words.size();
    if (size > init_plan_bytes_max) return std::nullopt;
    init_header header = plan.header;
    header.plan_bytes = static_cast<std::uint32_t>(size);
    header.filter_bytes = static_cast<std::uint32_t>(plan.filter.size());
    header.arguments = static_cast<std::uint32_t>(plan.arguments.size());
    header.variables = static_cast<std::uint32_t>(plan.variables.size());
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes + plan.filter + words;
}

std::optional<init_report> parse_init_report(std::string_view bytes) {
    init_report report;
    if (bytes.size() < sizeof report) return std::nullopt;
    std::memcpy(&report, bytes.data(), sizeof report);
    if (report.magic != init_magic) return std::nullopt;
    return report;
}

std::string describe_failed_start(const init_report& report, std::string_view program,
                                  bool is_sandboxed) {
    const std::string why = std::generic_category().message(report.value);
    if (report.said == init_said::not_prepared)
        return fmt::format("chat-executor-init failed at {}: {}", to_string(report.step), why);
    if (report.value == ENOENT) {
        return fmt::format("{} is not there{}, or the interpreter it names is not ({})", program,
                           is_sandboxed ? ", where only programs below /usr are" : "", why);
    }
    if (report.value == EACCES)
        return fmt::format("{} may not be executed: is it a program? ({})", program, why);
    return fmt::format("{} cannot be executed: {}", program, why);
}

}  // namespace headroom::chat
