// SPDX-License-Identifier: Apache-2.0
#include "redis/core/subscription_book.hpp"

#include <utility>

namespace headroom::redis {

template <class Change>
void subscription_book::change(entries::iterator at, Change apply) {
    auto& e = at->second;
    if (e.is_wanted()) --wanted_;
    if (e.is_settled()) --settled_;
    apply(e);
    if (e.is_wanted()) ++wanted_;
    if (e.is_settled()) ++settled_;
}

void subscription_book::queue(entries::iterator at) {
    auto& e = at->second;
    if (!connected_ || e.is_queued || e.denied || e.is_wanted() == e.asked) return;
    e.is_queued = true;
    changed_.push_back(at->first);
}

void subscription_book::forget_if_idle(entries::iterator at) {
    const auto& e = at->second;
    if (!e.is_wanted() && !e.asked && !e.is_queued && e.answers_due == 0) entries_.erase(at);
}

void subscription_book::add(std::string_view channel) {
    auto at = entries_.find(channel);
    if (at == entries_.end()) at = entries_.emplace(channel, entry{}).first;
    change(at, [](entry& e) {
        // Asking anew is worth trying: rights may have been granted meanwhile.
        if (e.references++ == 0) e.denied = false;
    });
    queue(at);
}

void subscription_book::drop(std::string_view channel) {
    const auto at = entries_.find(channel);
    if (at == entries_.end() || !at->second.is_wanted()) return;
    change(at, [](entry& e) { --e.references; });
    queue(at);
    forget_if_idle(at);
}

void subscription_book::on_connected() {
    connected_ = true;
    for (auto at = entries_.begin(); at != entries_.end(); ++at)
        queue(at);
}

void subscription_book::on_lost() {
    connected_ = false;
    changed_.clear();
    due_.clear();
    settled_ = 0;
    for (auto at = entries_.begin(); at != entries_.end();) {
        auto& e = at->second;
        e.answers_due = 0;
        e.asked = e.denied = e.is_queued = false;
        at = e.is_wanted() ? std::next(at) : entries_.erase(at);
    }
}

std::vector<subscription_book::request> subscription_book::take_requests(std::size_t count_max) {
    std::vector<request> out;
    while (connected_ && !changed_.empty() && out.size() < count_max) {
        const auto at = entries_.find(changed_.front());
        changed_.pop_front();
        at->second.is_queued = false;
        if (at->second.is_wanted() == at->second.asked) {  // changed back meanwhile
            forget_if_idle(at);
            continue;
        }
        change(at, [](entry& e) {
            e.asked = e.is_wanted();
            ++e.answers_due;
        });
        out.push_back(
            {at->second.asked ? request_kind::subscribe : request_kind::unsubscribe, at->first});
        due_.push_back(out.back());
    }
    return out;
}

bool subscription_book::on_confirmed(request_kind kind, std::string_view channel) {
    if (due_.empty() || due_.front().kind != kind || due_.front().channel != channel) return false;
    due_.pop_front();
    if (kind == request_kind::ping) return true;
    const auto at = entries_.find(channel);
    change(at, [kind](entry& e) {
        if (--e.answers_due > 0) return;
        // The last answer is the truth, whatever an earlier refusal made us think.
        e.asked = kind == request_kind::subscribe;
        if (e.asked) e.denied = false;
    });
    queue(at);
    forget_if_idle(at);
    return true;
}

std::optional<subscription_book::request> subscription_book::on_denied() {
    if (due_.empty()) return std::nullopt;
    auto refused = std::move(due_.front());
    due_.pop_front();
    if (refused.kind == request_kind::ping) return refused;
    const auto at = entries_.find(refused.channel);
    change(at, [&refused](entry& e) {
        --e.answers_due;
        if (refused.kind == request_kind::subscribe) {
            e.asked = false;
            e.denied = true;
        }
    });
    forget_if_idle(at);
    return refused;
}

subscription_book::standing subscription_book::of(std::string_view channel) const {
    const auto at = entries_.find(channel);
    if (at == entries_.end() || !at->second.is_wanted()) return standing::unknown;
    if (!at->second.is_settled()) return standing::pending;
    return at->second.denied ? standing::denied : standing::confirmed;
}

}  // namespace headroom::redis
