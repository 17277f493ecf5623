// SPDX-License-Identifier: Apache-2.0
#include "redis/core/retry_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "redis/core/server_reactions.hpp"

namespace headroom::redis {

namespace {

constexpr auto first_pause = std::chrono::milliseconds(50);
// What a try after a refusal has at least until the deadline: one cut off by it would end as
// `unknown`, where the refusal before it was certain.
constexpr auto least_time_for_a_try = std::chrono::milliseconds(50);
constexpr auto longest_pause = std::chrono::milliseconds(1000);
// A server that hangs up on each new connection must not be asked without end in one turn.
constexpr std::uint32_t moves_at_once_max = 3;

}  // namespace

// The multiplication carries neighbouring seeds far apart, which the generator does not.
retry_policy::retry_policy(retry_rules rules, side_effect side, std::uint64_t seed)
    : rules_(rules),
      side_(side),
      random_(static_cast<std::uint_fast32_t>(((seed + 1) * 0x9e37'79b9'7f4a'7c15U) >> 34)) {}

std::optional<clock::time_point> retry_policy::next_after(const ended_try& last,
                                                          clock::time_point now, deadline by) {
    auto rule = retry_rule::never;
    if (last.result == outcome::refused && rules_.refusals) {
        const auto* reaction = reaction_to(last.message);
        if (reaction != nullptr) rule = reaction->retry;
    }
    if (last.result == outcome::not_sent && rules_.refusals && last.is_connection_lost) {
        rule = retry_rule::on_another;
    }
    if (last.result == outcome::unknown && rules_.reads && side_ == side_effect::reads &&
        last.is_connection_lost && !has_read_again_) {
        has_read_again_ = true;
        rule = retry_rule::on_another;
    }
    if (rule == retry_rule::never) return std::nullopt;
    if (rule == retry_rule::on_another && ++moves_ > moves_at_once_max) {
        rule = retry_rule::with_backoff;
    }
    const bool is_at_once = rule == retry_rule::on_another;
    const auto at = is_at_once ? now : now + pause();
    const auto last_begin = is_at_once || by == deadline::max() ? by : by - least_time_for_a_try;
    if (at >= last_begin) return std::nullopt;
    ++tries_;
    return at;
}

// Between half and the whole of a pause that doubles.
clock::duration retry_policy::pause() {
    const auto doublings = std::min(pauses_++, 10U);
    const auto whole = std::min(longest_pause, first_pause * (1 << doublings));
    std::uniform_int_distribution<std::int64_t> between(whole.count() / 2, whole.count());
    return std::chrono::milliseconds(between(random_));
}

std::string retry_policy::tell_tries(std::string detail) const {
    if (tries_ > 1) detail += fmt::format(" (after {} tries)", tries_);
    return detail;
}

}  // namespace headroom::redis
