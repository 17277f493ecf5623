// SPDX-License-Identifier: Apache-2.0
#include "chat/relay/relay_hub.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "chat/core/backoff.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/core/stream_cursor.hpp"
#include "chat/core/time_text.hpp"
#include "chat/relay/session_history.hpp"
#include "net/deadline.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr auto catch_up_time_max = std::chrono::seconds(5);

struct stream {
    std::string session_id;
    std::string channel;
    stream_sink* sink;
    stream_cursor cursor;
    bool is_being_read = false;  // one reader of its history at a time
    net::event read_ended;
};

std::string gap_data(const std::string& session_id) {
    return boost::json::serialize(
        boost::json::object{{"type", "gap"},
                            {"timestamp", to_iso_text(std::chrono::system_clock::now())},
                            {"session_id", session_id}});
}

}  // namespace

// Event loop only.
struct relay_hub::state : std::enable_shared_from_this<relay_hub::state> {
    state(const asio::any_io_executor& on, service_communicator& through, key_space names)
        : executor(on),
          keys(std::move(names)),
          channels(through),
          history(through, keys),
          tasks(on) {}

    void listen() {
        channels.listen(
            {.on_message =
                 [weak = weak_from_this()](std::string_view channel, std::string_view payload) {
                     if (const auto held = weak.lock()) held->hear(channel, payload);
                 },
             .on_gap =
                 [weak = weak_from_this()](const error&) {
                     if (const auto held = weak.lock()) held->hold_all();
                 },
             .on_restored =
                 [weak = weak_from_this()] {
                     if (const auto held = weak.lock()) held->resume();
                 }});
    }

    void hear(std::string_view channel, std::string_view payload);
    void hold_all();
    void resume();
    void give(stream& to, std::vector<stream_event> heard);
    void leave(std::uint64_t id);
    asio::awaitable<result<void>> catch_up(std::uint64_t id, deadline by);
    asio::awaitable<result<void>> catch_up_all(deadline by);
    asio::awaitable<void> keep_catching_up();

    asio::any_io_executor executor;
    key_space keys;
    service_communicator& channels;
    session_history history;
    net::task_group tasks;
    std::function<void(work_notice)> on_work;

    std::uint64_t next_id = 1;
    std::map<std::uint64_t, std::shared_ptr<stream>> streams;  // second owners: reads in flight
    std::map<std::string, std::set<std::uint64_t>, std::less<>> by_channel;
    bool is_catching_up = false;
    bool must_catch_up_again = false;
    bool is_stopped = false;
    std::uint64_t delivered = 0;
    std::uint64_t gaps = 0;
};

void relay_hub::state::hear(std::string_view channel, std::string_view payload) {
    if (channel == keys.work_channel()) {
        if (on_work) on_work(parse_work_notice(payload));
        return;
    }
    const auto at = by_channel.find(channel);
    if (at == by_channel.end()) return;
    // What cannot be read is missing from the numbers, and so becomes a gap.
    const auto events = parse_message(payload);
    if (!events) return;
    const auto ids = at->second;  // a copy: a sink may end other streams
    for (const auto id : ids) {
        const auto found = streams.find(id);
        if (found == streams.end()) continue;
        const auto to = found->second;
        std::vector<stream_event> heard;
        for (const auto& event : *events)
            to->cursor.on_live(event, heard);
        give(*to, std::move(heard));
    }
}

void relay_hub::state::hold_all() {
    for (auto& [id, each] : streams) {
        // One that waits for its reader already holds; one that is being read must be read again.
        if (each->is_being_read || !each->cursor.is_replaying()) each->cursor.begin_replay();
    }
}

void relay_hub::state::resume() {
    hold_all();
    if (on_work) on_work(work_notice::anything);
    must_catch_up_again = true;
    if (is_catching_up || is_stopped) return;
    is_catching_up = true;
    tasks.spawn("relay: catch up", keep_catching_up());
}

void relay_hub::state::give(stream& to, std::vector<stream_event> heard) {
    for (auto& event : heard) {
        if (event.name == "gap") {
            ++gaps;
            event.data = gap_data(to.session_id);
        }
        ++delivered;
        if (to.sink != nullptr) to.sink->deliver(event);
    }
}

void relay_hub::state::leave(std::uint64_t id) {
    const auto found = streams.find(id);
    if (found == streams.end()) return;
    const auto leaving = std::move(found->second);
    streams.erase(found);
    leaving->sink = nullptr;
    const auto at = by_channel.find(leaving->channel);
    at->second.erase(id);
    if (at->second.empty()) by_channel.erase(at);
}

asio::awaitable<result<void>> relay_hub::state::catch_up(std::uint64_t id, deadline by) {
    const auto found = streams.find(id);
    if (found == streams.end()) co_return result<void>{};
    const auto to = found->second;
    while (to->is_being_read) {
        const bool ended = co_await to->read_ended.wait(by);
        if (!ended) co_return failure(redis::redis_errc::not_sent, "the stream's replay is late");
    }

    to->is_being_read = true;
    to->read_ended.reset();
    result<void> outcome;
    while (to->cursor.is_replaying() && to->sink != nullptr) {
        auto page = co_await history.read(to->session_id, to->cursor.position(), by);
        if (!page) {
            outcome = std::unexpected(page.error());
            break;
        }
        std::vector<stream_event> heard;
        [[maybe_unused]] const bool is_over = to->cursor.on_history(*page, heard);
        give(*to, std::move(heard));
    }
    to->is_being_read = false;
    to->read_ended.set();
    co_return outcome;
}

asio::awaitable<result<void>> relay_hub::state::catch_up_all(deadline by) {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, each] : streams)
        if (each->cursor.is_replaying()) ids.push_back(id);
    // One history that cannot be read keeps no other stream waiting.
    result<void> first_failure;
    for (const auto id : ids) {
        auto caught_up = co_await catch_up(id, by);
        if (!caught_up && first_failure) first_failure = std::move(caught_up);
    }
    co_return first_failure;
}

asio::awaitable<void> relay_hub::state::keep_catching_up() {
    const auto self = shared_from_this();
    backoff pause(next_id);
    while (must_catch_up_again && !is_stopped) {
        must_catch_up_again = false;
        auto caught_up = co_await catch_up_all(clock::now() + catch_up_time_max);
        if (caught_up || is_stopped) continue;
        must_catch_up_again = true;
        co_await net::sleep_until(clock::now() + pause.next());
    }
    is_catching_up = false;
}

relay_hub::subscription::subscription(std::weak_ptr<state> of, std::uint64_t id)
    : of_(std::move(of)), id_(id) {}
relay_hub::subscription::subscription(subscription&& other) noexcept
    : of_(std::move(other.of_)), id_(std::exchange(other.id_, 0)) {}
relay_hub::subscription& relay_hub::subscription::operator=(subscription&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(id_, other.id_);
    return *this;
}
relay_hub::subscription::~subscription() {
    const auto hub = of_.lock();
    if (!hub || id_ == 0) return;
    const auto found = hub->streams.find(id_);
    if (found == hub->streams.end()) return;
    const auto channel = found->second->channel;
    hub->leave(id_);
    if (!hub->is_stopped) hub->channels.unsubscribe(channel);
}

relay_hub::relay_hub(asio::any_io_executor executor, service_communicator& channels, key_space keys)
    : state_(std::make_shared<state>(executor, channels, std::move(keys))) {
    state_->listen();
}

relay_hub::~relay_hub() {
    HEADROOM_ASSERT(state_->tasks.running().empty(), "relay_hub destroyed before stop()");
}

asio::awaitable<result<relay_hub::subscription>> relay_hub::open(
    std::string session_id, std::optional<std::uint64_t> last_event_id, stream_sink& sink,
    deadline by) {
    const auto held = state_;
    if (held->is_stopped) co_return failure(chat_errc::closed, "the relay is stopping");
    const auto channel = held->keys.session_channel(session_id);
    auto subscribed = co_await held->channels.subscribe(channel, by);
    if (!subscribed) co_return std::unexpected(subscribed.error());

    // From here on the channel's reference belongs to the subscription.
    const auto id = held->next_id++;
    held->streams.emplace(id, std::make_shared<stream>(stream{session_id, channel, &sink,
                                                              stream_cursor(last_event_id), false,
                                                              net::event(held->executor)}));
    held->by_channel[channel].insert(id);
    subscription mine(held, id);

    auto caught_up = co_await held->catch_up(id, by);
    if (!caught_up) co_return std::unexpected(caught_up.error());
    co_return std::move(mine);
}

asio::awaitable<result<void>> relay_hub::listen_for_work(std::function<void(work_notice)> on_work,
                                                         deadline by) {
    const auto held = state_;
    held->on_work = std::move(on_work);
    co_return co_await held->channels.subscribe(held->keys.work_channel(), by);
}

asio::awaitable<result<void>> relay_hub::restore(deadline by) {
    const auto held = state_;
    if (held->is_stopped) co_return failure(chat_errc::closed, "the relay is stopping");
    auto restored = co_await held->channels.restore(by);
    if (!restored) co_return restored;
    co_return co_await held->catch_up_all(by);
}

asio::awaitable<void> relay_hub::stop(deadline by) {
    const auto held = state_;
    held->is_stopped = true;
    held->tasks.request_stop();
    co_await held->channels.stop(by);
    co_await held->tasks.join(by);
}

relay_stats relay_hub::stats() const {
    return {.streams = state_->streams.size(),
            .sessions = state_->by_channel.size(),
            .delivered = state_->delivered,
            .gaps = state_->gaps};
}

}  // namespace headroom::chat
