// SPDX-License-Identifier: Apache-2.0
// chat-emit: emits events from a shell script or any other program that an executor runs. Static
// and small, since every sandbox gets a copy of it. Does not check what the executor checks.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "chat/sdk/emit.hpp"

namespace {

namespace sdk = headroom::sdk;

constexpr int ok = 0;
constexpr int not_emitted = 1;
constexpr int bad_usage = 64;  // EX_USAGE of sysexits.h

constexpr const char* usage =
    "usage: chat-emit step NAME [--status running|completed|error] [--text TEXT]\n"
    "       chat-emit service NAME [JSON-OBJECT]\n"
    "       chat-emit -                 lines of JSON from standard input, as they are\n"
    "\n"
    "Emits events into the chat for which the calling program runs, through the descriptor\n"
    "that CHAT_EVENTS_FD names. A step is shown; a later one of the same name takes its place:\n"
    "  chat-emit step load --status running --text \"3 of 7 files\"\n"
    "  chat-emit service rows '{\"loaded\":1200}'\n"
    "Exit codes: 0 emitted, 1 nobody listens (or a line cannot be sent), 64 wrong usage.\n";

int complain(int code, const char* what, std::string_view more = {}) {
    (void)std::fprintf(stderr, "chat-emit: %s%.*s\n", what, static_cast<int>(more.size()),
                       more.data());
    return code;
}

int misused(const char* what, std::string_view more = {}) {
    (void)complain(bad_usage, what, more);
    (void)std::fputs(usage, stderr);
    return bad_usage;
}

int told(const std::error_code& failed) {
    if (!failed) return ok;
    switch (failed.value()) {
        case EBADF:
            return complain(not_emitted,
                            "CHAT_EVENTS_FD names no open descriptor: only a program that an "
                            "executor runs can emit");
        case EPIPE:
            return complain(not_emitted, "the executor no longer listens");
        case EMSGSIZE:
            return complain(not_emitted, "the event is longer than 16384 bytes");
        case EINVAL:
            return complain(not_emitted, "an event is one line of JSON, without a line break");
        default:
            return complain(not_emitted, "the event cannot be written: ",
                            std::strerror(failed.value()));  // NOLINT(concurrency-mt-unsafe)
    }
}

int emit_step(int count, char** words) {
    if (count < 1) return misused("a step has a NAME");
    std::string_view status = "completed";
    std::string_view text;
    for (int at = 1; at < count; at += 2) {
        const std::string_view option = words[at];
        if (option != "--status" && option != "--text") return misused("what is ", option);
        if (at + 1 == count) return misused("a value is missing after ", option);
        (option == "--status" ? status : text) = words[at + 1];
    }
    if (status != "running" && status != "completed" && status != "error")
        return misused("a status is running, completed or error, not ", status);
    return told(sdk::emit_step(words[0], status, text));
}

int emit_service(int count, char** words) {
    if (count < 1 || count > 2) return misused("a service event has a NAME and a JSON object");
    return told(sdk::emit_service(words[0], count == 2 ? words[1] : "{}"));
}

// Standard input's lines, one after the other, in bounded memory.
class line_reader {
public:
    // False at the end. A line that is too long is given cut, so that it is refused as such.
    bool next(std::string& line) {
        line.clear();
        for (bool is_there = false;; is_there = true) {
            if (read_ == size_ && !refill()) return is_there && !line.empty();
            const char c = piece_[read_++];
            if (c == '\n') return true;
            if (line.size() < sdk::line_bytes_max) line += c;
        }
    }

private:
    bool refill() {
        ssize_t size = 0;
        do {
            size = ::read(STDIN_FILENO, piece_.data(), piece_.size());
        } while (size < 0 && errno == EINTR);
        read_ = 0;
        size_ = size > 0 ? static_cast<std::size_t>(size) : 0;
        return size_ > 0;
    }

    std::array<char, 64UL * 1024> piece_{};
    std::size_t read_ = 0;
    std::size_t size_ = 0;
};

// A line that cannot be sent does not keep the others from it, unless nobody listens.
int emit_lines() {
    line_reader lines;
    std::string line;
    int code = ok;
    while (lines.next(line)) {
        if (line.empty()) continue;
        const std::error_code failed = sdk::emit_line(line);
        if (failed) code = told(failed);
        if (failed && failed != std::errc::message_size) break;
    }
    return code;
}

}  // namespace

int main(int count, char** words) {
    // An executor that is gone is an exit code, not a death.
    (void)std::signal(SIGPIPE, SIG_IGN);
    if (count < 2) return misused("what shall be emitted?");
    const std::string_view what = words[1];
    if (what == "--help" || what == "-h") {
        (void)std::fputs(usage, stdout);
        return ok;
    }
    if (what == "step") return emit_step(count - 2, words + 2);
    if (what == "service") return emit_service(count - 2, words + 2);
    if (what == "-" && count == 2) return emit_lines();
    return misused("what is ", what);
}
