// SPDX-License-Identifier: Apache-2.0
#include "redis/message_stream.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "redis/subscriber_state.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

using standing = subscription_book::standing;

// --- What the consumer holds ---

message_stream::message_stream(std::shared_ptr<state> of) : state_(std::move(of)) {}

message_stream::message_stream(message_stream&& other) noexcept = default;

message_stream& message_stream::operator=(message_stream&& other) noexcept {
    std::swap(state_, other.state_);  // what this held ends with `other`
    return *this;
}

message_stream::~message_stream() {
    if (!state_) return;
    if (const auto from = state_->from.lock()) from->detach(*state_);
    state_->end({redis_errc::closed, "the stream was given up"});
}

asio::awaitable<result<std::optional<stream_item>>> message_stream::next(deadline by) {
    const auto held = state_;
    HEADROOM_ASSERT(!held->is_awaited, "one caller at a time takes from a stream");
    held->is_awaited = true;
    struct unmark {
        state& of;
        ~unmark() { of.is_awaited = false; }
    } guard{*held};
    for (;;) {
        if (auto item = held->queue.pop()) co_return std::optional(std::move(*item));
        if (held->ended) co_return std::unexpected(*held->ended);
        held->arrived.reset();
        const bool in_time = co_await held->arrived.wait(by);
        if (!in_time) co_return std::optional<stream_item>();
    }
}

std::size_t message_stream::queued() const {
    return state_->queue.size();
}

std::uint64_t message_stream::dropped() const {
    return state_->queue.dropped();
}

bool message_stream::has_ended() const {
    return state_->ended.has_value();
}

// --- What the subscriber does with them ---

asio::awaitable<result<message_stream>> subscriber::state::open_stream(std::shared_ptr<state> self,
                                                                       topic_kind kind,
                                                                       std::string name,
                                                                       stream_bounds bounds,
                                                                       deadline by) {
    if (auto checked = self->check({kind, name}); !checked)
        co_return std::unexpected(checked.error());
    if (bounds.messages_max == 0)
        co_return failure(redis_errc::not_allowed, "stream_bounds::messages_max is 0: 1 or more");
    // Its own reference while it waits: the stream may end meanwhile and give back the other one.
    reference held(self, kind, std::move(name));
    message_stream stream(
        std::make_shared<message_stream::state>(self->source->group->executor(), bounds));
    self->attach(*stream.state_, self, held.what());
    const auto done = co_await await_confirmation(self, held.which(), by);
    if (!done) co_return std::unexpected(done.error());
    co_return stream;
}

void subscriber::state::attach(message_stream::state& stream, const std::shared_ptr<state>& self,
                               const topic& what) {
    stream.of = book.add(what);
    stream.from = self;
    streams.emplace(stream.of, &stream);
}

void subscriber::state::detach(message_stream::state& stream) {
    if (stream.of == nullptr) return;
    const auto [begin, end] = streams.equal_range(stream.of);
    for (auto each = begin; each != end; ++each) {
        if (each->second != &stream) continue;
        streams.erase(each);
        break;
    }
    const auto* of = std::exchange(stream.of, nullptr);
    drop(of->what());
}

void subscriber::state::queue_message(const subscription& known, std::string_view channel,
                                      std::string& payload) {
    std::vector<message_stream::state*> overflowed;
    const auto [begin, end] = streams.equal_range(&known);
    for (auto each = begin; each != end; ++each) {
        auto& stream = *each->second;
        const auto dropped = stream.queue.dropped();
        if (!stream.queue.push(channel, payload)) overflowed.push_back(&stream);
        totals.dropped += stream.queue.dropped() - dropped;
        stream.arrived.set();
    }
    for (auto* stream : overflowed) {
        detach(*stream);
        stream->end({redis_errc::queue_full,
                     "the stream's queue was full and its policy is to disconnect: read faster, or "
                     "raise stream_bounds"});
    }
}

void subscriber::state::end_streams_of(const subscription& which, const error& why) {
    std::vector<message_stream::state*> ending;
    const auto [begin, end] = streams.equal_range(&which);
    for (auto each = begin; each != end; ++each)
        ending.push_back(each->second);
    for (auto* stream : ending) {
        detach(*stream);
        stream->end(why);
    }
}

void subscriber::state::end_all_streams(const error& why) {
    while (!streams.empty()) {
        auto& stream = *streams.begin()->second;
        detach(stream);
        stream.end(why);
    }
}

// Before the book forgets what was confirmed.
void subscriber::state::mark_gap_in_streams() {
    for (const auto& [which, stream] : streams) {
        if (subscription_book::of(*which) == standing::confirmed) stream->missed = true;
    }
}

void subscriber::state::tell_gap_to_streams_of(const subscription& which) {
    const auto [begin, end] = streams.equal_range(&which);
    for (auto each = begin; each != end; ++each) {
        auto& stream = *each->second;
        if (!std::exchange(stream.missed, false)) continue;
        stream.queue.push_gap();
        stream.arrived.set();
    }
}

}  // namespace headroom::redis
