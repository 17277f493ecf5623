// SPDX-License-Identifier: Apache-2.0
#include "redis/core/transaction_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "redis/core/command_traits.hpp"

namespace headroom::redis {

namespace {

// From Redis 6.0.6 on EXEC ends the transaction whatever it answers; so does "EXEC without MULTI".
bool is_end_proven(std::string_view exec_error) {
    return exec_error.starts_with("EXECABORT") || exec_error.contains("EXEC without MULTI");
}

// "EXECABORT Transaction discarded because: OOM command not allowed" -> "OOM command not allowed"
std::string_view cause_of(std::string_view exec_error) {
    constexpr std::string_view before = "discarded because: ";
    const auto at = exec_error.find(before);
    return at == std::string_view::npos ? exec_error : exec_error.substr(at + before.size());
}

// The connection ran, or refused, each command by itself.
transaction_verdict judge_apart(std::span<const command> commands, std::span<value> replies) {
    const auto ran = std::ranges::count_if(replies.subspan(1, commands.size()),
                                           [](const value& each) { return !each.is_error(); });
    transaction_verdict verdict;
    verdict.is_left = !replies.back().is_error() || is_end_proven(replies.back().text);
    verdict.server_message = replies.front().text;
    if (ran == 0) {
        verdict.end = transaction_end::aborted;
        verdict.reason = replies.front().text + " (MULTI, and all that followed: none of it ran)";
    } else {
        verdict.end = transaction_end::ran_apart;
        verdict.reason = fmt::format(
            "MULTI was refused ({}): {} of {} commands ran by themselves, not as a transaction; "
            "the server must allow MULTI and EXEC to this user",
            replies.front().text, ran, commands.size());
    }
    return verdict;
}

transaction_verdict judge_aborted(std::span<const command> commands, std::span<value> replies) {
    transaction_verdict verdict;
    verdict.end = transaction_end::aborted;
    verdict.is_left = is_end_proven(replies.back().text);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const auto& queued = replies[i + 1];
        if (!queued.is_error()) continue;
        verdict.server_message = queued.text;
        verdict.reason = fmt::format("{} (command {} of {}, {}: none of the transaction ran)",
                                     queued.text, i + 1, commands.size(), commands[i].name());
        return verdict;
    }
    verdict.server_message = cause_of(replies.back().text);
    verdict.reason = verdict.server_message + " (EXEC: none of the transaction ran)";
    return verdict;
}

}  // namespace

std::optional<std::string> refusal_in_transaction(const command& what) {
    const auto effect = effect_of(what);
    if (effect == command_effect::none) return std::nullopt;
    return fmt::format("{} {}: it cannot be part of a transaction", what.name(), describe(effect));
}

std::vector<command> frame_transaction(std::vector<command> commands) {
    std::vector<command> framed;
    framed.reserve(commands.size() + 2);
    framed.emplace_back("MULTI");
    std::ranges::move(commands, std::back_inserter(framed));
    framed.emplace_back("EXEC");
    return framed;
}

transaction_verdict judge_transaction(std::span<const command> framed, std::vector<value> replies) {
    HEADROOM_ASSERT(framed.size() >= 2 && replies.size() == framed.size(),
                    "one reply for each command of a transaction");
    const auto commands = framed.subspan(1, framed.size() - 2);
    if (replies.front().is_error()) return judge_apart(commands, replies);
    auto& exec = replies.back();
    if (exec.is_error()) return judge_aborted(commands, replies);

    transaction_verdict verdict;
    if (exec.is_null()) {
        verdict.end = transaction_end::conflict;
        verdict.reason = "none of it ran: a watched key was changed by somebody else";
    } else if (exec.is_array() && exec.items.size() == commands.size()) {
        verdict.end = transaction_end::committed;
        verdict.values = std::move(exec.items);
    } else {
        verdict.reason = fmt::format("EXEC of {} commands did not answer as many values: {}",
                                     commands.size(), exec.items.size());
    }
    return verdict;
}

std::chrono::microseconds pause_after_conflict(std::uint32_t conflicts, double share) {
    using std::chrono::microseconds;
    constexpr microseconds first{2'000};
    constexpr std::uint32_t doublings_max = 5;
    const auto doublings = std::min(std::max(conflicts, 1U) - 1, doublings_max);
    const auto bound = first * (1U << doublings);
    return microseconds(static_cast<std::int64_t>(static_cast<double>(bound.count()) *
                                                  std::clamp(share, 0.0, 1.0)));
}

}  // namespace headroom::redis
