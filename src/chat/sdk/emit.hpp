// SPDX-License-Identifier: Apache-2.0
// Emits events from a C++ program that an executor runs: include this one file, link nothing. Not
// for the service itself, whose communicator is sdk/chat_comm.hpp.
//
//     #include "emit.hpp"
//     headroom::sdk::emit_step("load", "running", "3 of 7 files");
//     headroom::sdk::emit_service("rows", R"({"loaded":1200})");
//
// C++17 and POSIX; nothing of Headroom is included. Each event is one line of JSON on the
// descriptor that the variable CHAT_EVENTS_FD names. Any thread may emit: its events stay in order,
// and lines are never mixed, since one is written at a time in a process. Between processes a line
// of at most PIPE_BUF bytes (4096 on Linux) is whole, as pipe(7) has it; a longer one can be mixed
// with what another process writes at the same moment, so let one process write those. A write
// waits while the executor has not read what is there. What the executor makes of a line, and how
// many it takes, is described in docs/executors.md.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

namespace headroom::sdk {

// With its line break; the executor refuses longer lines.
inline constexpr std::size_t line_bytes_max = std::size_t{16} * 1024;

namespace detail {

// -1: there is none. The one place of the SDK that reads the environment: the program that includes
// this has no configuration of ours.
inline int events_descriptor() {
    const char* text = std::getenv("CHAT_EVENTS_FD");
    if (text == nullptr || *text == '\0') return -1;
    char* end = nullptr;
    const long number = std::strtol(text, &end, 10);
    return *end == '\0' && number >= 0 && number <= 1'000'000 ? static_cast<int>(number) : -1;
}

inline std::mutex& one_line_at_a_time() {
    static std::mutex mutex;
    return mutex;
}

// Bytes of the well-formed character at the front (RFC 3629, section 4), or 0 when there is none.
inline std::size_t character_bytes(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned char lead = at(0);
    if (lead < 0x80) return 1;
    const std::size_t size = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
    if (size == 0 || bytes.size() < size) return 0;
    const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (at(1) < low || at(1) > high) return 0;
    for (std::size_t i = 2; i < size; ++i)
        if ((at(i) & 0xC0U) != 0x80U) return 0;
    return size;
}

// As a JSON string in quotation marks (RFC 8259, section 7); bytes that are no UTF-8 become U+FFFD.
inline void append_json_string(std::string& line, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    line += '"';
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text.front());
        const std::size_t size = character_bytes(text);
        if (lead == '"' || lead == '\\') {
            (line += '\\') += text.front();
        } else if (lead == '\n') {
            line += "\\n";
        } else if (lead < 0x20) {
            ((line += "\\u00") += digits[lead >> 4U]) += digits[lead & 0xFU];
        } else if (size == 0) {
            line += "\xEF\xBF\xBD";
        } else {
            line += text.substr(0, size);
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    line += '"';
}

inline std::error_code write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd room{descriptor, POLLOUT, 0};
            (void)::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return {errno, std::generic_category()};
        }
    }
    return {};
}

}  // namespace detail

// Writes a line of JSON as it is. Errors: bad_file_descriptor, there is no CHAT_EVENTS_FD or it is
// not open; invalid_argument, it is empty or has a line break; message_size, it is longer than
// line_bytes_max; broken_pipe, the executor is gone (the signal SIGPIPE comes first, unless it is
// ignored).
inline std::error_code emit_line(std::string_view json_text) {
    const int descriptor = detail::events_descriptor();
    if (descriptor < 0) return std::make_error_code(std::errc::bad_file_descriptor);
    if (json_text.empty() || json_text.find('\n') != std::string_view::npos)
        return std::make_error_code(std::errc::invalid_argument);
    if (json_text.size() >= line_bytes_max) return std::make_error_code(std::errc::message_size);
    const std::string line = std::string(json_text) + '\n';
    const std::lock_guard<std::mutex> held(detail::one_line_at_a_time());
    return detail::write_all(descriptor, line);
}

// A line of the list that a person watches; a later step of the same name takes its place. `status`
// is "running", "completed" or "error". Errors are those of emit_line().
inline std::error_code emit_step(std::string_view name, std::string_view status = "completed",
                                 std::string_view text = {}) {
    std::string line = R"({"type":"step","name":)";
    detail::append_json_string(line, name);
    line += ",\"status\":";
    detail::append_json_string(line, status);
    if (!text.empty()) {
        line += ",\"text\":";
        detail::append_json_string(line, text);
    }
    return emit_line(line += '}');
}

// For programs that read the stream. `json_object` is the text of a JSON object, on one line.
inline std::error_code emit_service(std::string_view name, std::string_view json_object = "{}") {
    std::string line = R"({"type":"service","name":)";
    detail::append_json_string(line, name);
    ((line += ",\"data\":") += json_object) += '}';
    return emit_line(line);
}

}  // namespace headroom::sdk
