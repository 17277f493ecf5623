// SPDX-License-Identifier: Apache-2.0
#include "headroom/ask/password.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "headroom/show/paper.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t password_bytes_max = 4096;

void say(int terminal, const std::string& text) {
    (void)!::write(terminal, text.data(), text.size());
}

}  // namespace

std::string read_password(const std::string& prompt) {
    // The terminal itself, so that pipes on standard input and output stay what they are.
    const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) return {};
    termios shown{};
    std::string typed;
    if (::tcgetattr(terminal, &shown) == 0) {
        termios hidden = shown;
        // Ctrl-C and the like come as bytes: a signal would end us and leave the terminal silent.
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        hidden.c_cc[VEOL] = shown.c_cc[VINTR];  // what is read comes in lines
        hidden.c_cc[VEOL2] = shown.c_cc[VQUIT];
        say(terminal, for_plain_terminal(prompt) + ": ");
        (void)::tcsetattr(terminal, TCSAFLUSH, &hidden);
        char c = 0;
        const auto ends_us = [&](char typed_now) {
            return typed_now != 0 && (typed_now == static_cast<char>(shown.c_cc[VINTR]) ||
                                      typed_now == static_cast<char>(shown.c_cc[VQUIT]));
        };
        while (typed.size() < password_bytes_max && ::read(terminal, &c, 1) == 1 && c != '\n' &&
               !ends_us(c))
            typed += c;
        (void)::tcsetattr(terminal, TCSAFLUSH, &shown);
        say(terminal, "\n");
        if (ends_us(c)) (void)::raise(SIGINT);
    }
    ::close(terminal);
    return typed;
}

}  // namespace headroom::tool
