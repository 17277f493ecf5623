// SPDX-License-Identifier: Apache-2.0
#include "redis/core/shared_book.hpp"

#include "base/assert.hpp"
#include "base/text.hpp"

namespace headroom::redis {

using outcome = call_failure::outcome;

shared_call::shared_call(std::span<const command> what, value* into, deadline until)
    : commands(what), replies(into), by(until) {
    HEADROOM_ASSERT(!what.empty(), "a call has at least one command");
    for (const auto& each : commands)
        bytes += each.encoded_size();
}

void shared_call_list::push_back(shared_call& call) {
    call.previous = last_;
    call.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &call;
    last_ = &call;
}

void shared_call_list::remove(shared_call& call) {
    (call.previous != nullptr ? call.previous->next : first_) = call.next;
    (call.next != nullptr ? call.next->previous : last_) = call.previous;
    call.previous = call.next = nullptr;
}

shared_call* shared_call_list::pop_front() {
    auto* call = first_;
    if (call != nullptr) remove(*call);
    return call;
}

void shared_book::queue(shared_call& call) {
    queued_.push_back(call);
    commands_queued_ += call.commands.size();
    bytes_queued_ += call.bytes;
}

void shared_book::leave_queue(shared_call& call) {
    queued_.remove(call);
    commands_queued_ -= call.commands.size();
    bytes_queued_ -= call.bytes;
}

void shared_book::end(shared_call& call, shared_call_list& ended) {
    call.has_ended = true;
    ended.push_back(call);
}

void shared_book::encode_queued(std::string& out) {
    while (auto* call = queued_.front()) {
        leave_queue(*call);
        for (const auto& each : call->commands)
            each.encode_to(out);
        call->is_encoded = true;
        call->begins_at = encoded_;
        encoded_ += call->bytes;
        call->ticket = pairing_.expect(*call, call->commands.size(), call->begins_at);
        in_flight_.push_back(*call);
    }
}

std::optional<stray_reply> shared_book::on_reply(value&& reply, shared_call_list& ended) {
    const bool is_asked = pairing_.is_asked(sent_);
    const auto turn = pairing_.take();
    if (!is_asked) {
        if (turn && turn->owner != nullptr) {  // due, but its request has not left
            in_flight_.remove(*turn->owner);
            turn->owner->failure =
                call_failure{outcome::not_sent, "the server answered before it was asked"};
            end(*turn->owner, ended);
        }
        if (!reply.is_error()) return stray_reply{false, "a reply to no command"};
        return stray_reply{true, printable_excerpt(reply.text)};
    }
    if (auto* call = turn->owner; call != nullptr) {
        call->replies[call->filled++] = std::move(reply);
        if (turn->is_last) {
            in_flight_.remove(*call);
            end(*call, ended);
        }
    }
    return std::nullopt;
}

void shared_book::withdraw(shared_call& call, std::string_view why) {
    if (call.is_encoded) {
        pairing_.abandon(call.ticket);
        in_flight_.remove(call);
        call.failure = call_failure{outcome::unknown, std::string(why)};
    } else {
        leave_queue(call);
        call.failure = call_failure{outcome::not_sent, std::string(why)};
    }
    call.has_ended = true;
}

shared_call_list shared_book::lose(const call_failure& why, shared_call_list& ended) {
    shared_call_list unsent;
    while (auto* call = in_flight_.pop_front()) {
        if (call->begins_at >= sent_) {
            call->is_encoded = false;
            unsent.push_back(*call);
            continue;
        }
        call->failure = why;
        end(*call, ended);
    }
    while (auto* call = queued_.pop_front())
        unsent.push_back(*call);
    *this = shared_book();
    return unsent;
}

shared_call* shared_book::oldest() const {
    return in_flight_.empty() ? queued_.front() : in_flight_.front();
}

}  // namespace headroom::redis
