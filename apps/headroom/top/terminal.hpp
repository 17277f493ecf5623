// SPDX-License-Identifier: Apache-2.0
// The terminal on standard input and output, taken over for a full-screen program and given back as
// it was. Knows nothing of what is shown.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "headroom/show/paper.hpp"

namespace headroom::tool {

class terminal {
public:
    // Standard input and standard output are both one.
    [[nodiscard]] static bool is_there();
    // Raw mode and the alternate screen. While it is open, SIGINT, SIGTERM, SIGHUP and SIGQUIT are
    // told by wait(); call it before other threads are started, so that they do not get them.
    [[nodiscard]] static result<terminal> open();
    // Gives all back: modes, screen, cursor, signals.
    ~terminal();
    terminal(terminal&& from) noexcept;
    terminal& operator=(terminal&&) = delete;

    // 80 x 24 where the terminal does not know.
    [[nodiscard]] screen_size size() const;
    // The whole screen in one write.
    void show(const std::vector<std::string>& lines) const;

    struct happened {
        std::string bytes;  // from the keyboard
        bool has_new_size = false;
        bool has_woken = false;          // `wake` became readable
        std::optional<int> signal = {};  // to end by; also when the terminal has gone
    };
    // For the first of all that, or until `by`.
    [[nodiscard]] happened wait(deadline by, int wake) const;

private:
    struct state;
    explicit terminal(std::unique_ptr<state> opened);
    std::unique_ptr<state> state_;
};

}  // namespace headroom::tool
