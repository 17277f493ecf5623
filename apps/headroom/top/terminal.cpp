// SPDX-License-Identifier: Apache-2.0
#include "headroom/top/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

namespace headroom::tool {
namespace {

// The alternate screen, no cursor, no wrapping at the right edge; and all that back.
constexpr std::string_view take_over = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
constexpr std::string_view give_back = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::string_view to_the_top = "\x1b[H";
constexpr std::string_view clear_rest_of_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";

constexpr std::chrono::hours wait_max{1};

std::error_code last_error() {
    return {errno, std::generic_category()};
}

// False when the terminal has gone.
bool write_all(std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::write(STDOUT_FILENO, text.data(), text.size());
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

sigset_t watched_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH})
        ::sigaddset(&set, one);
    return set;
}

// Every key as a byte of its own, at once, also Ctrl-C; output as it is written.
termios raw_of(const termios& before) {
    termios raw = before;
    ::cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return raw;
}

}  // namespace

struct terminal::state {
    termios modes_before{};
    sigset_t signals_before{};
    int signals = -1;

    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        (void)write_all(give_back);
        (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &modes_before);
        if (signals >= 0) ::close(signals);
        (void)::pthread_sigmask(SIG_SETMASK, &signals_before, nullptr);
    }
};

terminal::terminal(std::unique_ptr<state> opened) : state_(std::move(opened)) {}
terminal::terminal(terminal&& from) noexcept = default;
terminal::~terminal() = default;

bool terminal::is_there() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

result<terminal> terminal::open() {
    termios before{};
    if (::tcgetattr(STDIN_FILENO, &before) != 0) {
        return failure(last_error(), "the terminal's modes cannot be read");
    }
    auto fresh = std::make_unique<state>();
    fresh->modes_before = before;
    const auto set = watched_signals();
    (void)::pthread_sigmask(SIG_BLOCK, &set, &fresh->signals_before);
    fresh->signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fresh->signals < 0) return failure(last_error(), "signals cannot be watched");
    const auto raw = raw_of(before);
    if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0) {
        return failure(last_error(), "the terminal's modes cannot be set");
    }
    if (!write_all(take_over)) return failure(last_error(), "the terminal cannot be written");
    return terminal(std::move(fresh));
}

screen_size terminal::size() const {
    winsize told{};
    const bool is_known =
        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &told) == 0 && told.ws_col > 0 && told.ws_row > 0;
    return is_known ? screen_size{.columns = told.ws_col, .lines = told.ws_row} : screen_size{};
}

void terminal::show(const std::vector<std::string>& lines) const {
    const auto columns = size().columns;
    std::string frame(to_the_top);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) frame += "\r\n";
        frame += for_terminal(lines[i]);
        // Behind a full line the cursor stands on its last character, which would be cleared.
        if (painted_columns_of(lines[i]) < columns) frame += clear_rest_of_line;
    }
    if (lines.size() < size().lines) frame += clear_below;
    (void)write_all(frame);  // a terminal that has gone is told by wait()
}

terminal::happened terminal::wait(deadline by, int wake) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - clock::now());
    const auto bounded = std::clamp<std::chrono::milliseconds>(left, {}, wait_max);
    std::array<pollfd, 3> watched{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                   {.fd = state_->signals, .events = POLLIN, .revents = 0},
                                   {.fd = wake, .events = POLLIN, .revents = 0}}};
    happened now;
    if (::poll(watched.data(), watched.size(), static_cast<int>(bounded.count())) <= 0) return now;
    if (watched[0].revents != 0) {
        std::array<char, 256> bytes{};
        const auto got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (got > 0) now.bytes.assign(bytes.data(), static_cast<std::size_t>(got));
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) now.signal = SIGHUP;
    }
    if (watched[1].revents != 0) {
        signalfd_siginfo told{};
        while (::read(state_->signals, &told, sizeof(told)) == sizeof(told)) {
            if (told.ssi_signo == SIGWINCH) {
                now.has_new_size = true;
            } else {
                now.signal = static_cast<int>(told.ssi_signo);
            }
        }
    }
    now.has_woken = watched[2].revents != 0;
    return now;
}

}  // namespace headroom::tool
