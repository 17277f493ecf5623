// SPDX-License-Identifier: Apache-2.0
#include "chat/log.hpp"

#include <unistd.h>

#include <chrono>
#include <cmath>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

constexpr std::size_t text_bytes_max = 1024;

std::string quoted(std::string_view text) {
    const std::string safe = printable_excerpt(text, text_bytes_max);
    return boost::json::serialize(boost::json::string_view(safe.data(), safe.size()));
}

struct value_text {
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(bool yes) const { return yes ? "true" : "false"; }
    std::string operator()(double number) const {
        return std::isfinite(number) ? fmt::format("{}", number) : "null";
    }
    std::string operator()(const std::string& text) const { return quoted(text); }
};

std::string time_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(static_cast<std::time_t>(whole / 1000)), whole % 1000);
}

}  // namespace

std::string_view to_string(severity of) {
    switch (of) {
        case severity::info:
            return "info";
        case severity::warning:
            return "warning";
        case severity::error:
            break;
    }
    return "error";
}

std::string format_log_line(std::string_view time, severity level, std::string_view process,
                            std::int64_t pid, std::string_view message, log_fields fields) {
    std::string line =
        fmt::format(R"({{"time":{},"level":"{}","process":{},"pid":{},"message":{})", quoted(time),
                    to_string(level), quoted(process), pid, quoted(message));
    for (const log_field& one : fields) {
        line += fmt::format(",{}:{}", quoted(one.name), std::visit(value_text{}, one.value));
    }
    line += "}\n";
    return line;
}

void log::write(severity level, std::string_view message, log_fields fields) const {
    const std::string line =
        format_log_line(time_now(), level, process_, ::getpid(), message, fields);
    // A log that cannot be written must not stop the service.
    (void)!::write(descriptor_, line.data(), line.size());
}

}  // namespace headroom::chat
