// SPDX-License-Identifier: Apache-2.0
// Emits what a program's lines mean through the process' chat_comm, and keeps the books: which of
// them Redis has. Not what a line means: executor/event_intake.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "chat/executor/event_intake.hpp"
#include "chat/sdk/chat_comm.hpp"

namespace headroom::chat {

// Event loop only.
class event_forwarder {
public:
    event_forwarder(const execution_limits& within, event_scope of, clock::time_point now);

    void push(std::string_view bytes, clock::time_point now);
    void finish(clock::time_point now);

    // `of` is that of the chat_comm, after its close.
    [[nodiscard]] emit_counts counts(const emit_stats& of) const;

private:
    void emit(std::vector<intake_event> events);

    event_intake intake_;
    std::uint64_t accepted_ = 0;          // the program's
    std::uint64_t dropped_ = 0;           // the program's
    std::uint64_t too_long_ = 0;          // the program's
    std::uint64_t sent_ = 0;              // and notices
    std::vector<std::uint64_t> notices_;  // which of those sent, from 0: few, as intake tells few
};

}  // namespace headroom::chat
