// SPDX-License-Identifier: Apache-2.0
// Whose is the next reply? Redis answers in the order of its requests, so a queue says it. A caller
// who gives up leaves its entry behind, which swallows its replies. Not the replies themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

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

    // `replies` >= 1 of them are due to `owner`, after all that were expected before.
    ticket expect(Owner& owner, std::size_t replies) {
        HEADROOM_ASSERT(replies > 0, "something is expected");
        entries_.push_back({&owner, replies});
        due_ += replies;
        return first_ + entries_.size() - 1;
    }

    // The owner is about to end; its replies, present and to come, are nobody's.
    void abandon(ticket whose) {
        HEADROOM_ASSERT(whose >= first_ && whose - first_ < entries_.size(),
                        "an abandoned entry is still pending");
        entries_[whose - first_].owner = nullptr;
    }

    // A reply has come. Empty when none was due: the peer answers what nobody asked.
    [[nodiscard]] std::optional<turn> take() {
        if (entries_.empty()) return std::nullopt;
        auto& front = entries_.front();
        --due_;
        const turn now{front.owner, --front.due == 0};
        if (now.is_last) pop();
        return now;
    }

    // The connection is gone: the owners still there, oldest first.
    [[nodiscard]] Owner* take_remaining() {
        while (!entries_.empty()) {
            auto* owner = entries_.front().owner;
            due_ -= entries_.front().due;
            pop();
            if (owner != nullptr) return owner;
        }
        return nullptr;
    }

    // Replies that have not come yet, the abandoned ones too.
    [[nodiscard]] std::size_t due() const { return due_; }
    [[nodiscard]] bool empty() const { return entries_.empty(); }

private:
    struct entry {
        Owner* owner;
        std::size_t due;
    };
    void pop() {
        entries_.pop_front();
        ++first_;
    }

    std::deque<entry> entries_;
    std::size_t due_ = 0;
    ticket first_ = 0;  // of the front entry
};

}  // namespace headroom::redis
