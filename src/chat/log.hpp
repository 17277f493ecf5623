// SPDX-License-Identifier: Apache-2.0
// The service's log: one JSON object a line on standard error, written whole by one write(2), so
// that lines of several processes never mix. Not metrics; and no secret is ever handed to it.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace headroom::chat {

enum class severity : std::uint8_t { info, warning, error };
[[nodiscard]] std::string_view to_string(severity of);

struct log_field {
    std::string_view name;
    std::variant<std::int64_t, double, bool, std::string> value;

    template <std::integral Number>
        requires(!std::same_as<Number, bool>)
    log_field(std::string_view called, Number number)
        : name(called), value(static_cast<std::int64_t>(number)) {}
    log_field(std::string_view called, bool yes) : name(called), value(yes) {}
    log_field(std::string_view called, double number) : name(called), value(number) {}
    log_field(std::string_view called, std::string_view text)
        : name(called), value(std::string(text)) {}
    log_field(std::string_view called, const std::string& text) : name(called), value(text) {}
    log_field(std::string_view called, const char* text) : name(called), value(std::string(text)) {}
};

using log_fields = std::initializer_list<log_field>;

// {"time":"2026-01-02T03:04:05.678Z","level":"info","process":"worker","pid":7,"message":"...",...}
// Text is cut at a bound, and bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string format_log_line(std::string_view time, severity level,
                                          std::string_view process, std::int64_t pid,
                                          std::string_view message, log_fields fields);

// Cheap to copy; safe from any thread.
class log {
public:
    // `process` says which part of the service speaks: "supervisor", "worker".
    explicit log(std::string process, int descriptor = 2)
        : process_(std::move(process)), descriptor_(descriptor) {}

    // `message` is a fixed sentence, what varies goes into `fields`.
    void info(std::string_view message, log_fields fields = {}) const {
        write(severity::info, message, fields);
    }
    void warning(std::string_view message, log_fields fields = {}) const {
        write(severity::warning, message, fields);
    }
    void error(std::string_view message, log_fields fields = {}) const {
        write(severity::error, message, fields);
    }
    void write(severity level, std::string_view message, log_fields fields) const;

private:
    std::string process_;
    int descriptor_;
};

}  // namespace headroom::chat
