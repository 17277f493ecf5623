// SPDX-License-Identifier: Apache-2.0
#include "chat/processor/live_answer.hpp"

#include <utility>

#include "base/text.hpp"
#include "chat/core/backoff.hpp"
#include "chat/core/text_cut.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {
constexpr std::size_t delta_bytes_max = 16 * 1024;
constexpr auto batch_time_max = std::chrono::seconds(2);
constexpr auto idle_look = std::chrono::seconds(60);
constexpr std::size_t steps_held_max = 64;
}  // namespace

live_answer::live_answer(asio::any_io_executor executor, chat_relay_communicator& publisher,
                         turn_events events, std::size_t bytes_max)
    : publisher_(publisher),
      events_(std::move(events)),
      bytes_max_(bytes_max),
      changed_(std::move(executor)) {}

result<void> live_answer::write(std::string_view text) {
    if (stopped_ || closed_) return failure(chat_errc::turn_stopped);
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
        return failure(chat_errc::bundle_failed, "the bundle wrote bytes that are no text");
    }
    const auto kept = prefix_of_bytes(text, bytes_max_ - text_.size());
    text_ += kept;
    changed_.set();
    if (kept.size() < text.size()) return failure(chat_errc::answer_too_long);
    return {};
}

void live_answer::show(step what) {
    if (closed_) return;
    // A step of the same name takes the place of the one before anyway.
    std::erase_if(steps_, [&what](const step& each) { return each.name == what.name; });
    if (steps_.size() == steps_held_max) steps_.pop_front();
    steps_.push_back(std::move(what));
    changed_.set();
}

void live_answer::close() {
    closed_ = true;
    changed_.set();
}

asio::awaitable<void> live_answer::publish() {
    backoff pause(text_.size());
    for (std::uint64_t index = 0;;) {
        const std::string piece(
            prefix_of_bytes(std::string_view(text_).substr(published_), delta_bytes_max));
        if (piece.empty() && steps_.empty()) {
            if (closed_) co_return;
            changed_.reset();
            co_await changed_.wait(clock::now() + idle_look);
            continue;
        }
        const auto steps = std::exchange(steps_, {});
        std::vector<outgoing_event> batch;
        for (const auto& each : steps)
            batch.push_back(to_event(each, events_.scope()));
        if (!piece.empty()) batch.push_back(events_.delta(index, piece));
        auto sent = co_await publisher_.publish(events_.turn().session_id, std::move(batch),
                                                clock::now() + batch_time_max);
        if (sent) {
            published_ += piece.size();
            if (!piece.empty()) ++index;
            pause.reset();
            continue;
        }
        // The whole answer follows with its end, so that lost deltas delay it but cost nothing;
        // lost steps are lost.
        if (closed_) co_return;
        co_await net::sleep_until(clock::now() + pause.next());
    }
}

}  // namespace headroom::chat
