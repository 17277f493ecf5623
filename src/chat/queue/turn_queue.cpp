// SPDX-License-Identifier: Apache-2.0
#include "chat/queue/turn_queue.hpp"

#include <optional>
#include <utility>

#include "chat/core/work_notice.hpp"
#include "chat/queue/queue_scripts.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr std::string_view group = "processors";

// {lane index, entry, turn, "1" when reclaimed}
std::optional<queue_claim> to_claim(const redis::value& item,
                                    const std::vector<std::string>& lanes) {
    if (!item.is_array() || item.items.size() != 4) return std::nullopt;
    const auto& lane = item.items[0];
    if (!lane.is_integer() || lane.integer < 1 || lane.integer > std::ssize(lanes)) {
        return std::nullopt;
    }
    return queue_claim{.lane = lanes[static_cast<std::size_t>(lane.integer - 1)],
                       .entry = item.items[1].text,
                       .turn_id = item.items[2].text,
                       .is_reclaimed = item.items[3].integer == 1};
}

}  // namespace

turn_queue::turn_queue(redis::client& through, key_space keys, queue_options options)
    : redis_(through),
      keys_(std::move(keys)),
      options_(std::move(options)),
      owner_(through.owner("queue")),
      depth_(std::string(queue_scripts::depth), {.key_count = {}, .is_read_only = true}),
      enqueue_(std::string(queue_scripts::enqueue)),
      claim_(std::string(queue_scripts::claim)),
      acknowledge_(std::string(queue_scripts::acknowledge)),
      put_back_(std::string(queue_scripts::put_back)),
      forget_(std::string(queue_scripts::forget)),
      publisher_(through) {}

asio::awaitable<result<std::uint64_t>> turn_queue::depth(deadline by) {
    std::vector<std::string> keys;
    for (const auto& lane : options_.lanes)
        keys.push_back(keys_.lane(lane));
    std::vector<std::string> arguments{std::string(group)};
    co_return co_await redis::run(redis_, depth_, std::move(keys), std::move(arguments),
                                  "the queue's script 'depth'", redis::reply::count, call_by(by));
}

asio::awaitable<result<void>> turn_queue::check_room(deadline by) {
    const auto waiting = co_await depth(by);
    if (!waiting) co_return std::unexpected(waiting.error());
    if (*waiting >= options_.waiting_max) {
        co_return failure(chat_errc::queue_full,
                          std::to_string(*waiting) + " turns wait, as many as may");
    }
    co_return result<void>{};
}

asio::awaitable<result<turn_queue::enqueued>> turn_queue::enqueue(std::string turn_id,
                                                                  admission how, deadline by) {
    const bool bounded = how == admission::bounded;
    std::vector<std::string> keys{keys_.lane(options_.lanes.front()), keys_.known_turns()};
    std::vector<std::string> arguments{std::string(group), std::move(turn_id),
                                       bounded ? std::to_string(options_.waiting_max) : "",
                                       keys_.work_channel()};
    auto answer =
        co_await redis::run(redis_, enqueue_, std::move(keys), std::move(arguments),
                            "the queue's script 'enqueue'", redis::reply::text, call_by(by));
    if (!answer) co_return std::unexpected(answer.error());
    if (*answer == "full") co_return failure(chat_errc::queue_full, "as many turns wait as may");
    if (*answer == "added") co_return enqueued::added;
    if (*answer == "known") co_return enqueued::known;
    co_return failure(chat_errc::unexpected_answer,
                      "the queue's script 'enqueue' answered another word than it knows");
}

asio::awaitable<result<std::vector<queue_claim>>> turn_queue::claim(std::string processor,
                                                                    std::uint32_t count,
                                                                    deadline by) {
    std::vector<std::string> keys;
    for (const auto& lane : options_.lanes)
        keys.push_back(keys_.lane(lane));
    std::vector<std::string> arguments{std::string(group), std::move(processor),
                                       std::to_string(count),
                                       std::to_string(options_.claim_timeout.count())};
    auto answer =
        co_await redis::run(redis_, claim_, std::move(keys), std::move(arguments),
                            "the queue's script 'claim'", redis::reply::items, call_by(by));
    if (!answer) co_return std::unexpected(answer.error());

    std::vector<queue_claim> claims;
    for (const auto& item : *answer) {
        auto claim = to_claim(item, options_.lanes);
        if (!claim) {
            co_return failure(chat_errc::unexpected_answer,
                              "the queue's script 'claim' answered in another shape");
        }
        claims.push_back(std::move(*claim));
    }
    co_return claims;
}

asio::awaitable<result<void>> turn_queue::renew(std::string processor,
                                                std::vector<queue_claim> claims, deadline by) {
    for (const auto& lane : options_.lanes) {
        redis::command what("XCLAIM", keys_.lane(lane), group, processor, "0");
        bool is_needed = false;
        for (const auto& claim : claims) {
            if (claim.lane != lane) continue;
            what.arg(claim.entry);
            is_needed = true;
        }
        if (!is_needed) continue;
        what.arg("JUSTID");
        auto answer = co_await redis_.execute(std::move(what), call_by(by));
        // A Redis that has forgotten the queue: the store still knows whose turn it is.
        if (!answer && !answer.error().detail.starts_with("NOGROUP")) {
            co_return std::unexpected(answer.error());
        }
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> turn_queue::acknowledge(queue_claim claim, deadline by) {
    std::vector<std::string> keys{keys_.lane(claim.lane), keys_.known_turns()};
    std::vector<std::string> arguments{std::string(group), claim.entry, claim.turn_id};
    auto answer =
        co_await acknowledge_.run(redis_, std::move(keys), std::move(arguments), call_by(by));
    if (!answer) co_return std::unexpected(answer.error());
    co_return result<void>{};
}

asio::awaitable<result<void>> turn_queue::put_back(queue_claim claim, deadline by) {
    std::vector<std::string> keys{keys_.lane(claim.lane), keys_.known_turns()};
    std::vector<std::string> arguments{std::string(group), claim.entry, claim.turn_id,
                                       keys_.work_channel()};
    auto answer =
        co_await put_back_.run(redis_, std::move(keys), std::move(arguments), call_by(by));
    if (!answer) co_return std::unexpected(answer.error());
    co_return result<void>{};
}

asio::awaitable<result<void>> turn_queue::announce_stop(deadline by) {
    std::string what(to_string(work_notice::stop_requested));
    auto answer = co_await publisher_.publish(keys_.work_channel(), std::move(what), call_by(by));
    if (!answer) co_return std::unexpected(answer.error());
    co_return result<void>{};
}

asio::awaitable<result<void>> turn_queue::forget_processors(std::chrono::milliseconds idle,
                                                            deadline by) {
    std::vector<std::string> keys;
    for (const auto& lane : options_.lanes)
        keys.push_back(keys_.lane(lane));
    std::vector<std::string> arguments{std::string(group), std::to_string(idle.count())};
    auto answer = co_await forget_.run(redis_, std::move(keys), std::move(arguments), call_by(by));
    if (!answer) co_return std::unexpected(answer.error());
    co_return result<void>{};
}

}  // namespace headroom::chat
