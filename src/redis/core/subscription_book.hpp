// SPDX-License-Identifier: Apache-2.0
// Which channels and patterns are wanted, by how many, and what the server has confirmed on the
// present connection. Knows what to send next, how much at once, and whose answer comes next. Not
// the sending, not the messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "redis/core/subscription_table.hpp"

namespace headroom::redis {

struct subscription_bounds {
    std::size_t batch_names = 512;          // of one command
    std::size_t batch_bytes = 64 * 1024;    // of one command; one longer name goes by itself
    std::size_t window_names = 2'048;       // whose answers are due
    std::size_t window_bytes = 256 * 1024;  // of the commands whose answers are due
};

class subscription_book {
public:
    enum class request_kind : std::uint8_t { subscribe, unsubscribe, ping };
    enum class standing : std::uint8_t {
        unknown,    // not wanted
        pending,    // wanted, not confirmed yet
        confirmed,  // the server delivers it
        denied,     // the server refused it on this connection
    };
    // One command; as many answers are due as it has names, or one error for all of them.
    struct batch {
        request_kind kind = request_kind::subscribe;
        topic_kind of = topic_kind::channel;
        std::vector<std::string_view> names;  // until the next call of the book
    };
    // To whom an answer belonged.
    struct answer {
        request_kind kind = request_kind::ping;
        // The topic that this answer has settled, confirmed or denied; else null.
        const subscription* settled = nullptr;
    };
    enum class refusal : std::uint8_t {
        lasting,  // the topic is not allowed: not asked again on this connection
        passing,  // the server is busy: asked again, when the caller takes the next batch
    };

    explicit subscription_book(subscription_bounds bounds = {}) : bounds_(bounds) {}

    // --- Callers ---
    // One reference more. Asks again for what was denied: rights may have been granted meanwhile.
    // The address stays as long as somebody holds a reference.
    const subscription* add(topic what);
    void drop(topic what);  // one less; ignored when there is none

    // --- The connection ---
    void on_connected();
    // Whatever was asked is void.
    void on_lost();
    // Another number after each of the two: what comes from an epoch that is over is to be ignored,
    // so that no answer of one connection counts for a later one.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    // The command to send now, after all that were taken before; false when there is none, or
    // while as much is unanswered as may be.
    [[nodiscard]] bool take_batch(batch& into);
    // A PING was sent after all requests taken so far; its answer is due after theirs.
    void on_ping_sent();
    // The server answered; a PING has no name. Empty when that is not the answer that was due: the
    // connection and we disagree, only a new one helps.
    [[nodiscard]] std::optional<answer> on_confirmed(request_kind kind, topic what);
    // The oldest command due was refused, as a whole: the server looks at the rights to every name
    // before it does anything. Of several names it is not known which one was meant, so each is
    // asked by itself. Empty when none was due.
    [[nodiscard]] std::optional<answer> on_refused(refusal how);

    // --- State ---
    [[nodiscard]] static standing of(const subscription& known);
    [[nodiscard]] standing of(topic what) const;
    // Null when it is not wanted.
    [[nodiscard]] const subscription* find_wanted(topic what) const;
    [[nodiscard]] std::size_t count(topic_kind kind) const {
        return wanted_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] std::size_t count() const { return wanted_[0] + wanted_[1]; }
    // With those that are only waiting for their last answer.
    [[nodiscard]] std::size_t known() const { return table_.size(); }
    // Connected, and every wanted topic is confirmed or denied.
    [[nodiscard]] bool is_settled() const { return connected_ && count() == settled_; }
    // Connected, and every topic that was wanted when the connection was made has been confirmed,
    // denied or given up since. What was added later may be pending: it misses nothing.
    [[nodiscard]] bool is_restored() const { return connected_ && restoring_ == 0; }
    [[nodiscard]] bool has_requests() const;
    [[nodiscard]] bool is_answer_due() const { return !due_.empty(); }
    [[nodiscard]] std::size_t names_due() const { return names_due_; }

private:
    struct due {
        subscription* whose;  // null: a PING
        request_kind kind;
        std::uint32_t names;  // of the command this is the first answer of; else 0
    };
    // First in, first out, through subscription::next_changed.
    class change_queue {
    public:
        void push(subscription& which);
        [[nodiscard]] subscription* front() const { return first_; }
        void pop();
        void clear() { first_ = last_ = nullptr; }

    private:
        subscription* first_ = nullptr;
        subscription* last_ = nullptr;
    };

    // Applies a change to one topic and keeps the counts right.
    template <class Change>
    void change(subscription& which, Change apply);
    void queue(subscription& which);
    void forget_if_idle(subscription& which);
    [[nodiscard]] subscription* next_change(change_queue& from);
    void ask(subscription& which, batch& in);
    subscription* take_due();
    void refuse(subscription& which, request_kind kind, refusal how, bool was_alone);

    subscription_bounds bounds_;
    subscription_table table_;
    std::array<change_queue, topic_kinds> changed_;
    std::deque<due> due_;  // answers that will come, in this order
    std::size_t names_due_ = 0;
    std::size_t bytes_due_ = 0;
    bool connected_ = false;
    std::uint64_t epoch_ = 0;
    std::array<std::size_t, topic_kinds> wanted_{};
    std::size_t settled_ = 0;
    std::size_t restoring_ = 0;
};

}  // namespace headroom::redis
