// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/event_rate.hpp"

#include <algorithm>
#include <chrono>

namespace headroom::chat {
namespace {

constexpr clock::duration credit_max = std::chrono::seconds(2);

}  // namespace

event_rate::event_rate(std::uint32_t per_second, std::uint32_t in_all, clock::time_point now)
    : cost_(clock::duration(std::chrono::seconds(1)) / std::max(per_second, 1U)),
      credit_(credit_max),
      credited_at_(now),
      left_(in_all) {}

event_rate::verdict event_rate::on_line(clock::time_point now) {
    if (left_ == 0) return verdict::too_many;
    // Capped before it is added: the sum of a long silence would not fit.
    credit_ = std::min(credit_ + std::min(now - credited_at_, credit_max), credit_max);
    credited_at_ = now;
    if (credit_ < cost_) return verdict::too_fast;
    credit_ -= cost_;
    return verdict::admitted;
}

void event_rate::on_event() {
    if (left_ > 0) --left_;
}

}  // namespace headroom::chat
