// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/interruption.hpp"

#include <algorithm>
#include <thread>

#include "base/time.hpp"

namespace headroom::tool {
namespace {

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE};
constexpr auto look_interval = std::chrono::milliseconds(100);

volatile std::sig_atomic_t asked_for = 0;  // a signal's handler can reach nothing else

extern "C" void note_interruption(int) {
    asked_for = 1;
}

}  // namespace

interruption::interruption() {
    asked_for = 0;
    for (std::size_t i = 0; i < signals.size(); ++i) {
        struct sigaction now{};  // without SA_RESTART: a question on the terminal ends
        now.sa_handler = signals[i] == SIGPIPE ? SIG_IGN : note_interruption;
        (void)::sigaction(signals[i], &now, &before_[i]);
    }
}

interruption::~interruption() {
    for (std::size_t i = 0; i < signals.size(); ++i)
        (void)::sigaction(signals[i], &before_[i], nullptr);
}

bool interruption::was_asked_for() {
    return asked_for != 0;
}

void interruption::sleep_for(std::chrono::milliseconds time) {
    const auto by = clock::now() + time;
    while (!was_asked_for() && clock::now() < by)
        std::this_thread::sleep_until(std::min(by, clock::now() + look_interval));
}

}  // namespace headroom::tool
