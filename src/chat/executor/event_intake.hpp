// SPDX-License-Identifier: Apache-2.0
// Makes events of what a program writes to its events descriptor: lines that are none, and those
// beyond its limits, are counted and told in the stream. Reads nothing and sends nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "chat/executor/core/event_lines.hpp"
#include "chat/executor/core/event_rate.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/executor/event_line.hpp"

namespace headroom::chat {

struct intake_event {
    outgoing_event what;
    bool is_notice = false;  // ours about the program's lines, none that it emitted
};

class event_intake {
public:
    // Of lines that are no event only so many are told; all are counted.
    static constexpr std::uint32_t notices_max = 5;

    event_intake(const execution_limits& within, event_scope of, clock::time_point now);

    // The bytes may come in any pieces. Times do not go back.
    [[nodiscard]] std::vector<intake_event> push(std::string_view bytes, clock::time_point now);
    // The program has closed its end: a last line without a line break.
    [[nodiscard]] std::vector<intake_event> finish(clock::time_point now);

    [[nodiscard]] std::uint64_t invalid() const { return invalid_; }
    [[nodiscard]] std::uint64_t rate_limited() const { return rate_limited_; }

private:
    void take(const event_line_text& line, clock::time_point now, std::vector<intake_event>& to);
    void tell_limit(event_rate::verdict which, std::vector<intake_event>& to);
    void tell_invalid(std::uint64_t number, std::string_view why, std::vector<intake_event>& to);
    void tell(std::string name, std::string text, std::vector<intake_event>& to) const;

    event_scope of_;
    std::uint32_t per_second_;
    std::uint32_t in_all_;
    event_lines lines_{event_line_bytes_max};
    event_rate rate_;
    std::uint64_t invalid_ = 0;
    std::uint64_t rate_limited_ = 0;
    bool told_too_fast_ = false;
    bool told_too_many_ = false;
};

}  // namespace headroom::chat
