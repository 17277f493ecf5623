// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/event_intake.hpp"

#include <utility>
#include <variant>

#include <fmt/format.h>

namespace headroom::chat {
namespace {

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

event_intake::event_intake(const execution_limits& within, event_scope of, clock::time_point now)
    : of_(std::move(of)),
      per_second_(within.events_per_second),
      in_all_(within.events),
      rate_(within.events_per_second, within.events, now) {}

std::vector<intake_event> event_intake::push(std::string_view bytes, clock::time_point now) {
    std::vector<intake_event> taken;
    while (const auto line = lines_.next(bytes))
        take(*line, now, taken);
    return taken;
}

std::vector<intake_event> event_intake::finish(clock::time_point now) {
    std::vector<intake_event> taken;
    if (const auto line = lines_.finish()) take(*line, now, taken);
    return taken;
}

void event_intake::take(const event_line_text& line, clock::time_point now,
                        std::vector<intake_event>& to) {
    // A blank line is what a careless print() leaves; nothing was meant by it.
    if (!line.is_too_long && is_blank(line.text)) return;
    if (const auto verdict = rate_.on_line(now); verdict != event_rate::verdict::admitted) {
        ++rate_limited_;
        return tell_limit(verdict, to);
    }
    if (line.is_too_long)
        return tell_invalid(line.number,
                            fmt::format("it is longer than {} bytes", event_line_bytes_max), to);
    const auto event = parse_event_line(line.text);
    if (!event) return tell_invalid(line.number, event.error().detail, to);
    rate_.on_event();
    to.push_back(
        {.what = std::visit([this](const auto& one) { return to_event(one, of_); }, *event)});
}

void event_intake::tell_limit(event_rate::verdict which, std::vector<intake_event>& to) {
    if (which == event_rate::verdict::too_fast) {
        if (std::exchange(told_too_fast_, true)) return;
        return tell("Too many events at once",
                    fmt::format("More than {} events a second were emitted; those beyond are left "
                                "out. This is told once.",
                                per_second_),
                    to);
    }
    if (std::exchange(told_too_many_, true)) return;
    tell("Too many events",
         fmt::format("More than {} events were emitted; the rest is left out.", in_all_), to);
}

void event_intake::tell_invalid(std::uint64_t number, std::string_view why,
                                std::vector<intake_event>& to) {
    if (++invalid_ > notices_max) return;
    std::string text = fmt::format("Line {} of the events: {}.", number, why);
    if (invalid_ == notices_max) text += " Further ones are counted, but not told.";
    tell("Event not understood", std::move(text), to);
}

void event_intake::tell(std::string name, std::string text, std::vector<intake_event>& to) const {
    const step notice{
        .name = std::move(name), .status = step_status::error, .text = std::move(text)};
    to.push_back({.what = to_event(notice, of_), .is_notice = true});
}

}  // namespace headroom::chat
