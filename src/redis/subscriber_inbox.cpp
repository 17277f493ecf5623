// SPDX-License-Identifier: Apache-2.0
// What the server says to the subscriber: messages, confirmations, refusals.
// https://redis.io/docs/reference/pubsub/#format-of-pushed-messages
#include <utility>

#include "base/text.hpp"
#include "redis/core/server_reactions.hpp"
#include "redis/subscriber_state.hpp"

namespace headroom::redis {

namespace {

using request_kind = subscription_book::request_kind;
using standing = subscription_book::standing;

constexpr std::size_t name_shown_max = 100;  // bytes of a name in an error

struct confirmation {
    request_kind kind;
    topic_kind of;
};

std::optional<confirmation> confirmation_by(std::string_view word) {
    const bool is_pattern = word.starts_with('p');
    const auto of = is_pattern ? topic_kind::pattern : topic_kind::channel;
    if (is_pattern) word.remove_prefix(1);
    if (word == "subscribe") return confirmation{request_kind::subscribe, of};
    if (word == "unsubscribe") return confirmation{request_kind::unsubscribe, of};
    return std::nullopt;
}

}  // namespace

// RESP3 sends pushes, RESP2 arrays of the same words; a PONG comes as one string or, in RESP2 with
// channels, as an array.
void subscriber::state::on_value(value& v) {
    if (is_lost) return;
    pulse.on_heard(source->group->turn_time());
    if (v.is_error()) return on_error(v.text);
    if (v.is_string() && v.text == "PONG") return on_confirmation(request_kind::ping, {});
    const bool is_event = (v.kind == value_kind::push || v.is_array()) && v.items.size() >= 2;
    if (!is_event) return lose_nonsense("a subscriber connection got an unknown reply");
    on_event(v);
}

void subscriber::state::on_event(value& v) {
    const std::string_view word = v.items[0].text;
    if (word == "message" && v.items.size() == 3) {
        on_message({topic_kind::channel, v.items[1].text}, {}, v.items[2].text);
    } else if (word == "pmessage" && v.items.size() == 4) {
        on_message({topic_kind::pattern, v.items[1].text}, v.items[2].text, v.items[3].text);
    } else if (word == "pong") {
        on_confirmation(request_kind::ping, {});
    } else if (const auto about = confirmation_by(word)) {
        on_confirmation(about->kind, {about->of, v.items[1].text});
    }
    // Pushes of other kinds (invalidate) are nobody's.
}

void subscriber::state::on_message(const topic& what, std::string_view channel,
                                   std::string& payload) {
    const auto* known = book.find_wanted(what);
    if (known == nullptr) {
        ++totals.unwanted;
        return;
    }
    ++totals.messages;
    if (!streams.empty()) queue_message(*known, channel, payload);
    // Last: the callback may give the topic up.
    if (what.kind == topic_kind::channel) {
        if (callbacks.on_message) callbacks.on_message(what.name, payload);
    } else if (callbacks.on_pattern_message) {
        callbacks.on_pattern_message(what.name, channel, payload);
    }
}

void subscriber::state::on_confirmation(request_kind kind, const topic& what) {
    const auto answer = book.on_confirmed(kind, what);
    if (!answer) {
        return lose_nonsense(kind == request_kind::ping
                                 ? std::string("a PONG was not due")
                                 : "an answer about '" +
                                       printable_excerpt(what.name, name_shown_max) +
                                       "' was not due");
    }
    on_answer(*answer);
}

void subscriber::state::on_error(const std::string& message) {
    last_error = error{classify_server_error(message), message};
    // Another authority or server answers now: only a new connection helps.
    if (condemns_connection(message)) return lose(*last_error, loss_reason::refused);
    const auto* reaction = reaction_to(message);
    const bool passes = reaction != nullptr && reaction->retry == retry_rule::with_backoff;
    const auto answer = book.on_refused(passes ? subscription_book::refusal::passing
                                               : subscription_book::refusal::lasting);
    // What the server says unasked it says before it hangs up.
    if (!answer) return lose(*last_error, loss_reason::refused);
    if (passes) hold_until = source->group->turn_time() + options.refused_pause;
    on_answer(*answer);
}

void subscriber::state::on_answer(const subscription_book::answer& answer) {
    const auto now = source->group->turn_time();
    pulse.on_answered(now, book.is_answer_due());
    // The window may have opened. What is new waits for the end of its turn, to be asked together.
    send_requests(now);
    // The task waited for an answer; now for the next PING, or until the server is no longer busy.
    if (!book.is_answer_due() || now < hold_until) wake.set();
    if (answer.settled == nullptr) return note_restored();
    const auto& which = *answer.settled;
    if (subscription_book::of(which) == standing::denied) {
        ++totals.denied;
        note_restored();
        return on_denied(which);
    }
    ++totals.confirmed;
    if (!streams.empty()) tell_gap_to_streams_of(which);
    const auto [begin, end] = waiters.equal_range(&which);
    for (auto each = begin; each != end; ++each)
        each->second->answered.set();
    note_restored();
}

void subscriber::state::on_denied(const subscription& which) {
    const auto why = *last_error;
    const auto [begin, end] = waiters.equal_range(&which);
    for (auto each = begin; each != end; ++each) {
        each->second->refusal = why;
        each->second->answered.set();
    }
    const std::string name(which.name());  // the last stream may take the topic with it
    const auto kind = which.kind;
    end_streams_of(which, why);
    if (callbacks.on_denied) callbacks.on_denied({kind, name}, why);
}

// Once in each life of the connection.
void subscriber::state::note_restored() {
    if (restored_at || !book.is_restored()) return;
    restored_at = source->group->turn_time();
    tell_changed();
    if (!std::exchange(gap_announced, false)) return;
    ++totals.restorations;
    if (callbacks.on_restored) callbacks.on_restored();
}

void subscriber::state::lose_nonsense(std::string what) {
    lose({redis_errc::protocol_error, std::move(what)}, loss_reason::nonsense);
}

}  // namespace headroom::redis
