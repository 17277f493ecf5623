// SPDX-License-Identifier: Apache-2.0
#include "redis/core/subscription_book.hpp"

#include <algorithm>
#include <limits>

#include "base/assert.hpp"

namespace headroom::redis {

namespace {

// A name on the wire: "$45\r\n", the bytes, "\r\n".
constexpr std::size_t framing_bytes = 16;

std::size_t wire_bytes(const subscription& of) {
    return of.name_size + framing_bytes;
}

}  // namespace

// --- Queues and counts ---

void subscription_book::change_queue::push(subscription& which) {
    which.next_changed = nullptr;
    (last_ == nullptr ? first_ : last_->next_changed) = &which;
    last_ = &which;
}

void subscription_book::change_queue::pop() {
    first_ = first_->next_changed;
    if (first_ == nullptr) last_ = nullptr;
}

template <class Change>
void subscription_book::change(subscription& which, Change apply) {
    auto& wanted = wanted_[static_cast<std::size_t>(which.kind)];
    if (which.is_wanted()) --wanted;
    if (which.is_settled()) --settled_;
    apply(which);
    if (which.is_wanted()) ++wanted;
    if (which.is_settled()) ++settled_;
    if (which.is_restoring && (which.is_settled() || !which.is_wanted())) {
        which.is_restoring = false;
        --restoring_;
    }
}

void subscription_book::queue(subscription& which) {
    if (!connected_ || which.is_queued || which.denied || which.is_wanted() == which.asked) return;
    which.is_queued = true;
    changed_[static_cast<std::size_t>(which.kind)].push(which);
}

void subscription_book::forget_if_idle(subscription& which) {
    const bool is_idle =
        !which.is_wanted() && !which.asked && !which.is_queued && which.answers_due == 0;
    if (is_idle) table_.erase(which);
}

// --- Callers ---

const subscription* subscription_book::add(topic what) {
    auto& which = table_.get(what);
    HEADROOM_ASSERT(which.references < std::numeric_limits<std::uint32_t>::max(),
                    "references are given back");
    change(which, [](subscription& s) {
        ++s.references;
        s.denied = false;
    });
    queue(which);
    return &which;
}

void subscription_book::drop(topic what) {
    auto* const which = table_.find(what);
    if (which == nullptr || !which->is_wanted()) return;
    change(*which, [](subscription& s) {
        if (--s.references == 0) s.denied = false;
    });
    queue(*which);
    forget_if_idle(*which);
}

// --- The connection ---

void subscription_book::on_connected() {
    connected_ = true;
    ++epoch_;
    table_.for_each([this](subscription& each) {
        if (each.is_wanted() && !each.is_settled() && !each.is_restoring) {
            each.is_restoring = true;
            ++restoring_;
        }
        queue(each);
    });
}

void subscription_book::on_lost() {
    connected_ = false;
    ++epoch_;
    for (auto& each : changed_)
        each.clear();
    due_.clear();
    names_due_ = bytes_due_ = 0;
    settled_ = restoring_ = 0;
    table_.for_each([this](subscription& each) {
        each.answers_due = 0;
        each.asked = each.is_delivered = each.denied = false;
        each.is_queued = each.is_restoring = false;
        forget_if_idle(each);
    });
}

// The oldest whose wish still differs from what was asked.
subscription* subscription_book::next_change(change_queue& from) {
    while (auto* const which = from.front()) {
        if (which->is_wanted() != which->asked) return which;
        from.pop();  // changed back meanwhile
        which->is_queued = false;
        forget_if_idle(*which);
    }
    return nullptr;
}

void subscription_book::ask(subscription& which, batch& in) {
    which.is_queued = false;
    change(which, [](subscription& s) {
        s.asked = s.is_wanted();
        ++s.answers_due;
    });
    due_.push_back({&which, in.kind, 0});
    ++names_due_;
    bytes_due_ += wire_bytes(which);
    in.names.push_back(which.name());
}

bool subscription_book::take_batch(batch& into) {
    into.names.clear();
    // A window that opens by one name would let out commands of one name: wait for a whole one.
    if (!connected_ ||
        names_due_ + std::min(bounds_.batch_names, bounds_.window_names) > bounds_.window_names) {
        return false;
    }
    if (bytes_due_ != 0 && bytes_due_ + bounds_.batch_bytes > bounds_.window_bytes) return false;
    for (std::size_t kind = 0; kind < topic_kinds && into.names.empty(); ++kind) {
        std::size_t bytes = 0;
        auto& from = changed_[kind];
        while (auto* const which = next_change(from)) {
            const auto verb =
                which->is_wanted() ? request_kind::subscribe : request_kind::unsubscribe;
            const bool is_alone = which->alone && verb == request_kind::subscribe;
            bytes += wire_bytes(*which);
            if (into.names.empty()) {
                into.kind = verb;
                into.of = which->kind;
            } else if (verb != into.kind || is_alone || bytes > bounds_.batch_bytes) {
                break;
            }
            from.pop();
            ask(*which, into);
            if (is_alone || into.names.size() >= bounds_.batch_names) break;
        }
    }
    if (into.names.empty()) return false;
    due_[due_.size() - into.names.size()].names = static_cast<std::uint32_t>(into.names.size());
    return true;
}

void subscription_book::on_ping_sent() {
    due_.push_back({nullptr, request_kind::ping, 1});
}

// Takes the oldest answer off the queue, and gives whose it was.
subscription* subscription_book::take_due() {
    auto* const whose = due_.front().whose;
    due_.pop_front();
    if (whose == nullptr) return nullptr;
    --names_due_;
    bytes_due_ -= wire_bytes(*whose);
    return whose;
}

std::optional<subscription_book::answer> subscription_book::on_confirmed(request_kind kind,
                                                                         topic what) {
    if (due_.empty() || due_.front().kind != kind) return std::nullopt;
    if (kind == request_kind::ping) {
        (void)take_due();
        return answer{};
    }
    if (due_.front().whose->what() != what) return std::nullopt;
    auto& whose = *take_due();
    change(whose, [kind](subscription& s) {
        s.is_delivered = kind == request_kind::subscribe;
        if (s.is_delivered) s.alone = s.denied = false;
        --s.answers_due;
    });
    answer told{kind, whose.is_settled() ? &whose : nullptr};
    forget_if_idle(whose);
    return told;
}

std::optional<subscription_book::answer> subscription_book::on_refused(refusal how) {
    // After the first confirmation of a command it can no longer fail.
    if (due_.empty() || due_.front().names == 0) return std::nullopt;
    const auto kind = due_.front().kind;
    const auto names = due_.front().names;
    answer told{kind, nullptr};
    for (std::uint32_t i = 0; i < names; ++i) {
        auto* const whose = take_due();
        if (whose == nullptr) continue;  // a PING's
        refuse(*whose, kind, how, names == 1);
        if (whose->is_settled()) told.settled = whose;
        forget_if_idle(*whose);
    }
    return told;
}

void subscription_book::refuse(subscription& which, request_kind kind, refusal how,
                               bool was_alone) {
    change(which, [kind, how, was_alone](subscription& s) {
        const bool is_lasting = how == refusal::lasting;
        if (kind == request_kind::subscribe) {
            s.alone |= is_lasting;
        } else if (is_lasting) {
            s.is_delivered = false;  // it is, but nothing can be done: what comes is nobody's
        }
        if (--s.answers_due > 0) return;  // a later answer is the truth
        s.asked = s.is_delivered;
        s.denied = s.is_wanted() && !s.asked && is_lasting && was_alone;
    });
    queue(which);
}

// --- State ---

subscription_book::standing subscription_book::of(const subscription& known) {
    if (!known.is_wanted()) return standing::unknown;
    if (!known.is_settled()) return standing::pending;
    return known.denied ? standing::denied : standing::confirmed;
}

subscription_book::standing subscription_book::of(topic what) const {
    const auto* const known = table_.find(what);
    return known == nullptr ? standing::unknown : of(*known);
}

const subscription* subscription_book::find_wanted(topic what) const {
    const auto* const known = table_.find(what);
    return known != nullptr && known->is_wanted() ? known : nullptr;
}

bool subscription_book::has_requests() const {
    return connected_ && (changed_[0].front() != nullptr || changed_[1].front() != nullptr);
}

}  // namespace headroom::redis
