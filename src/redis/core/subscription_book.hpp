// SPDX-License-Identifier: Apache-2.0
// Which channels are wanted, by how many, and what the server has confirmed on the present
// connection. Knows what to send next and whose answer comes next. Not the sending, not the
// messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::redis {

class subscription_book {
public:
    enum class request_kind : std::uint8_t { subscribe, unsubscribe, ping };
    struct request {
        request_kind kind;
        std::string channel;
        bool operator==(const request&) const = default;
    };
    enum class standing : std::uint8_t {
        unknown,    // not wanted
        pending,    // wanted, not confirmed yet
        confirmed,  // the server delivers it
        denied,     // the server refused it on this connection
    };

    // --- Callers ---
    void add(std::string_view channel);   // one reference more
    void drop(std::string_view channel);  // one less; ignored when there is none

    // --- The connection ---
    void on_connected();
    void on_lost();
    // What to send now, at most `count_max`, to be sent in this order. One answer is due for each.
    [[nodiscard]] std::vector<request> take_requests(std::size_t count_max);
    // A PING was sent after all requests taken so far; its answer is due after theirs.
    void on_ping_sent() { due_.push_back({request_kind::ping, {}}); }
    // The server answered; a PING has no channel. False when that is not the answer that was due:
    // the connection and we disagree, only a new one helps.
    [[nodiscard]] bool on_confirmed(request_kind kind, std::string_view channel);
    // The oldest request due was refused: that one, or nothing when none was due.
    [[nodiscard]] std::optional<request> on_denied();

    // --- State ---
    [[nodiscard]] standing of(std::string_view channel) const;
    [[nodiscard]] std::size_t channel_count() const { return wanted_; }
    // Connected, and every wanted channel is confirmed or denied.
    [[nodiscard]] bool is_settled() const { return connected_ && wanted_ == settled_; }
    [[nodiscard]] bool has_requests() const { return connected_ && !changed_.empty(); }

private:
    struct entry {
        std::size_t references = 0;
        std::size_t answers_due = 0;
        bool asked = false;  // the last request of this connection was to subscribe
        bool denied = false;
        bool is_queued = false;  // in changed_
        [[nodiscard]] bool is_wanted() const { return references > 0; }
        [[nodiscard]] bool is_settled() const {
            return is_wanted() && answers_due == 0 && (asked || denied);
        }
    };
    using entries = std::map<std::string, entry, std::less<>>;

    // Applies a change to one entry and keeps the two counts right.
    template <class Change>
    void change(entries::iterator at, Change apply);
    void queue(entries::iterator at);
    void forget_if_idle(entries::iterator at);

    entries entries_;
    std::deque<std::string> changed_;  // channels whose wish may differ from what was asked
    std::deque<request> due_;          // answers that will come, in this order
    bool connected_ = false;
    std::size_t wanted_ = 0;
    std::size_t settled_ = 0;
};

}  // namespace headroom::redis
