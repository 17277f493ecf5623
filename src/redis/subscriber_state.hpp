// SPDX-License-Identifier: Apache-2.0
// What a subscriber and its streams are made of, for their own .cpp files. Not for anybody else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>

#include "net/event.hpp"
#include "redis/client_state.hpp"
#include "redis/core/message_queue.hpp"
#include "redis/core/subscriber_pulse.hpp"
#include "redis/core/subscription_book.hpp"
#include "redis/message_stream.hpp"
#include "redis/subscriber.hpp"

namespace headroom::redis {

struct subscriber::state {
    state(std::shared_ptr<client::state> from, std::string_view owner_name,
          subscriber_callbacks given, subscriber_options chosen);

    // Fixed at construction.
    std::shared_ptr<client::state> source;  // the pool outlives the connection taken from it
    pool::owner_id owner;
    subscriber_callbacks callbacks;
    subscriber_options options;

    // A coroutine that waits for the answer about one topic, of which it holds a reference.
    struct waiter {
        net::event answered;
        std::optional<error> refusal;
    };
    // One reference, given back at the end of its scope unless it is kept.
    class reference;

    subscription_book book;
    subscription_book::batch batch;  // reused
    std::unordered_multimap<const subscription*, waiter*> waiters;
    std::unordered_multimap<const subscription*, message_stream::state*> streams;
    subscriber_pulse pulse;
    reconnect_pace pace;
    std::shared_ptr<wire> link;  // while connected
    net::event wake;             // the running task has something to do
    net::event changed;          // those who wait for the whole look again
    net::event ended;            // the task is over
    boost::asio::cancellation_signal stop_signal;
    bool is_running = false;
    bool is_stopping = false;
    bool is_lost = true;         // since the connection was made, or there is none
    bool must_dial_now = false;  // somebody does not want to wait for the back-off
    bool gap_announced = false;  // and not yet restored
    bool was_connected = false;  // ever: before that nothing can be missed
    std::optional<clock::time_point> restored_at;  // in this life of the connection
    clock::time_point hold_until{};                // the server was busy: nothing is asked before
    std::optional<error> last_error;
    std::mt19937_64 jitter{std::random_device{}()};
    subscriber_stats totals;

    // --- The task: connects, keeps, reconnects (subscriber_task.cpp) ---
    static void run_if_needed(const std::shared_ptr<state>& self);
    static boost::asio::awaitable<void> run(std::shared_ptr<state> self);
    [[nodiscard]] boost::asio::awaitable<void> back_off(clock::duration lived);
    static boost::asio::awaitable<void> live(std::shared_ptr<state> self, pool::lease held);
    void begin_life(const std::shared_ptr<state>& self);
    void send_requests(clock::time_point now);
    void ping(clock::time_point now);
    // `kind` is empty when the connection was ended on our side.
    void lose(error why, std::optional<loss_reason> kind);
    void tell_changed();
    void tell_all_waiters();

    // --- What the server says (subscriber_inbox.cpp) ---
    void on_value(value& v);
    void on_event(value& v);
    void on_message(const topic& what, std::string_view channel, std::string& payload);
    void queue_message(const subscription& known, std::string_view channel, std::string& payload);
    void on_confirmation(subscription_book::request_kind kind, const topic& what);
    void on_error(const std::string& message);
    void on_answer(const subscription_book::answer& answer);
    void on_denied(const subscription& which);
    void note_restored();
    void lose_nonsense(std::string what);

    // --- Those who wait (subscriber.cpp) ---
    [[nodiscard]] result<void> check(const topic& what) const;
    static boost::asio::awaitable<result<void>> subscribe(std::shared_ptr<state> self,
                                                          topic_kind kind, std::string name,
                                                          deadline by);
    static boost::asio::awaitable<result<void>> await_confirmation(std::shared_ptr<state> self,
                                                                   const subscription* which,
                                                                   deadline by);
    void drop(const topic& what);

    // --- Streams (message_stream.cpp) ---
    static boost::asio::awaitable<result<message_stream>> open_stream(std::shared_ptr<state> self,
                                                                      topic_kind kind,
                                                                      std::string name,
                                                                      stream_bounds bounds,
                                                                      deadline by);
    void attach(message_stream::state& stream, const std::shared_ptr<state>& self,
                const topic& what);
    // Gives its reference back. What it has queued stays.
    void detach(message_stream::state& stream);
    void end_streams_of(const subscription& which, const error& why);
    void end_all_streams(const error& why);
    void mark_gap_in_streams();
    void tell_gap_to_streams_of(const subscription& which);
};

struct message_stream::state {
    state(boost::asio::any_io_executor executor, stream_bounds bounds)
        : queue(bounds), arrived(std::move(executor)) {}

    void end(error why) {
        if (!ended) ended = std::move(why);
        arrived.set();
    }

    message_queue queue;
    net::event arrived;  // or ended
    std::optional<error> ended;
    const subscription* of = nullptr;  // while attached: it holds a reference
    std::weak_ptr<subscriber::state> from;
    bool missed = false;  // the connection was lost, and the gap is not in the queue yet
    bool is_awaited = false;
};

class subscriber::state::reference {
public:
    reference(std::shared_ptr<state> of, topic_kind kind, std::string name)
        : of_(std::move(of)), kind_(kind), name_(std::move(name)) {
        which_ = of_->book.add({kind_, name_});
        of_->wake.set();
        run_if_needed(of_);
    }
    ~reference() {
        if (!is_kept_) of_->drop({kind_, name_});
    }
    reference(const reference&) = delete;
    reference& operator=(const reference&) = delete;

    void keep() { is_kept_ = true; }
    [[nodiscard]] const subscription* which() const { return which_; }
    [[nodiscard]] topic what() const { return {kind_, name_}; }

private:
    std::shared_ptr<state> of_;
    topic_kind kind_;
    std::string name_;
    const subscription* which_;
    bool is_kept_ = false;
};

}  // namespace headroom::redis
