// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_retry.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "redis/core/command_traits.hpp"
#include "redis/core/server_reactions.hpp"
#include "redis/redis_error.hpp"
#include "redis/reply_check.hpp"

namespace headroom::redis {

namespace {

bool has_condemning(std::span<const value> replies) {
    return std::ranges::any_of(replies, [](const value& each) {
        return each.is_error() && condemns_connection(each.text);
    });
}

}  // namespace

std::optional<error> try_again(const blocking_retry& what, std::optional<error> failed) {
    const retry_rules none{.refusals = false, .reads = false};
    retry_policy policy(what.how.may_retry ? what.rules : none, side_effect_of(what.commands),
                        static_cast<std::uint64_t>(clock::now().time_since_epoch().count()) ^
                            reinterpret_cast<std::uintptr_t>(&what));
    bool may_have_run = false;
    for (;;) {
        if (!failed && has_condemning(what.replies)) what.replace_connections();
        if (!failed) failed = refusal_of(what.replies);
        if (!failed) return std::nullopt;
        may_have_run |= outcome_of(failed->code) == outcome::unknown;
        const bool is_lost =
            failed->code == redis_errc::unknown || failed->code == redis_errc::not_sent;
        const auto next = policy.next_after({outcome_of(failed->code), failed->detail, is_lost},
                                            clock::now(), what.how.by);
        if (!next) break;
        std::this_thread::sleep_until(*next);
        std::ranges::fill(what.replies, value{});
        failed = what.again();
    }
    failed->detail = policy.tell_tries(std::move(failed->detail));
    // That a later try was not sent takes nothing back of the first.
    if (may_have_run && outcome_of(failed->code) != outcome::unknown)
        failed->code = redis_errc::unknown;
    return failed;
}

}  // namespace headroom::redis
