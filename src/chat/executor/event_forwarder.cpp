// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/event_forwarder.hpp"

#include <algorithm>
#include <utility>

#include "chat/core/chat_error.hpp"
#include "chat/sdk/comm_context.hpp"

namespace headroom::chat {

event_forwarder::event_forwarder(const execution_limits& within, event_scope of,
                                 clock::time_point now)
    : intake_(within, std::move(of), now) {}

void event_forwarder::push(std::string_view bytes, clock::time_point now) {
    emit(intake_.push(bytes, now));
}

void event_forwarder::finish(clock::time_point now) {
    emit(intake_.finish(now));
}

void event_forwarder::emit(std::vector<intake_event> events) {
    const auto comm = get_comm();
    for (intake_event& event : events) {
        const result<void> taken =
            comm ? comm->emit(std::move(event.what)) : failure(chat_errc::closed);
        if (taken) {
            if (event.is_notice) {
                notices_.push_back(sent_);
            } else {
                ++accepted_;
            }
            ++sent_;
        } else if (!event.is_notice) {
            ++(taken.error().code == chat_errc::text_rejected ? too_long_ : dropped_);
        }
    }
}

// Events are delivered in order, so that the first so many of those sent are.
emit_counts event_forwarder::counts(const emit_stats& of) const {
    const std::uint64_t all = std::min(of.delivered, sent_);
    const auto notices = static_cast<std::uint64_t>(
        std::ranges::count_if(notices_, [all](std::uint64_t at) { return at < all; }));
    const std::uint64_t delivered = all - notices;
    return {.accepted = accepted_,
            .delivered = delivered,
            .invalid = intake_.invalid() + too_long_,
            .rate_limited = intake_.rate_limited(),
            .dropped = dropped_,
            .undelivered = accepted_ - delivered};
}

}  // namespace headroom::chat
