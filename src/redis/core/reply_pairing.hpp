// SPDX-License-Identifier: Apache-2.0
// Whose is the next reply? Redis answers in the order of its requests, so a queue says it. A caller
// who gives up leaves its entry behind, which swallows its replies. Not the replies themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"

namespace headroom::redis {

template <class Owner>
class reply_pairing {
public:
    using ticket = std::uint64_t;

    struct turn {
        Owner* owner = nullptr;  // null: the caller gave up, the reply is to be dropped
        bool is_last = false;    // no further reply is due to this owner
    };

    // `replies` >= 1 of them are due to `owner`, after all that were expected before. `begins_at`:
    // where its request begins in the stream of all requests.
    ticket expect(Owner& owner, std::size_t replies, std::uint64_t begins_at = 0) {
        HEADROOM_ASSERT(replies > 0, "something is expected");
        if (end_ - first_ == ring_.size()) grow();
        at(end_) = {&owner, replies, begins_at};
        due_ += replies;
        return end_++;
    }

    // The owner is about to end; its replies, present and to come, are nobody's.
    void abandon(ticket whose) {
        HEADROOM_ASSERT(whose >= first_ && whose < end_, "an abandoned entry is still pending");
        at(whose).owner = nullptr;
    }

    // A reply has come. Empty when none was due: the peer answers what nobody asked.
    [[nodiscard]] std::optional<turn> take() {
        if (empty()) return std::nullopt;
        auto& front = at(first_);
        --due_;
        const turn now{front.owner, --front.due == 0};
        if (now.is_last) ++first_;
        return now;
    }

    // The connection is gone: the owners still there, oldest first.
    [[nodiscard]] Owner* take_remaining() {
        while (!empty()) {
            const auto front = at(first_++);
            due_ -= front.due;
            if (front.owner != nullptr) return front.owner;
        }
        return nullptr;
    }

    // Replies that have not come yet, the abandoned ones too.
    [[nodiscard]] std::size_t due() const { return due_; }
    [[nodiscard]] bool empty() const { return first_ == end_; }
    // Whose the next reply is; null when nobody's, or when none is due.
    [[nodiscard]] Owner* next_owner() const { return empty() ? nullptr : at(first_).owner; }

    // The next reply is to a request that has left, of which `sent` bytes of the stream have. Who
    // gave up before his request was sent is counted: his reply is still to come.
    [[nodiscard]] bool is_asked(std::uint64_t sent) const {
        return !empty() && at(first_).begins_at < sent;
    }

    // Calls `look` with each owner that still waits, oldest first. `look` may abandon that owner.
    template <class Look>
    void for_each_owner(Look look) {
        for (auto each = first_; each != end_; ++each) {
            if (auto* owner = at(each).owner; owner != nullptr) look(*owner);
        }
    }

    // Gives back what a former rush needed, while nothing is due.
    void shrink() {
        if (empty()) ring_ = {};
    }

private:
    struct entry {
        Owner* owner;
        std::size_t due;
        std::uint64_t begins_at;
    };
    [[nodiscard]] entry& at(ticket which) { return ring_[which & (ring_.size() - 1)]; }
    [[nodiscard]] const entry& at(ticket which) const { return ring_[which & (ring_.size() - 1)]; }
    void grow() {
        std::vector<entry> larger(ring_.empty() ? 16 : ring_.size() * 2);
        for (auto each = first_; each != end_; ++each)
            larger[each & (larger.size() - 1)] = at(each);
        ring_ = std::move(larger);
    }

    std::vector<entry> ring_;  // its size is a power of two
    std::size_t due_ = 0;
    ticket first_ = 0;  // the oldest entry; tickets count up for ever
    ticket end_ = 0;
};

}  // namespace headroom::redis
