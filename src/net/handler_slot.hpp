// SPDX-License-Identifier: Apache-2.0
// Keeps the completion handler of one awaited operation in place: in the coroutine's own frame,
// without an allocation. For operations that are not Asio's own.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"

namespace headroom::net {

class handler_slot {
public:
    handler_slot() = default;
    handler_slot(const handler_slot&) = delete;
    handler_slot& operator=(const handler_slot&) = delete;
    ~handler_slot() {
        if (act_ != nullptr) act_(storage_, false);
    }

    template <class Handler>
    void emplace(Handler&& handler) {
        using held = std::decay_t<Handler>;
        static_assert(sizeof(held) <= sizeof(storage_), "the handler does not fit its slot");
        static_assert(alignof(held) <= alignof(std::max_align_t));
        HEADROOM_ASSERT(act_ == nullptr, "one operation is awaited at a time");
        ::new (static_cast<void*>(storage_)) held(std::forward<Handler>(handler));
        act_ = [](std::byte* at, bool complete) {
            auto* in_place = std::launder(reinterpret_cast<held*>(at));
            held taken(std::move(*in_place));
            in_place->~held();
            if (complete) std::move(taken)();
        };
    }

    [[nodiscard]] bool is_empty() const { return act_ == nullptr; }

    // Calls the handler, which may destroy this object and the frame it lives in.
    void complete() {
        auto* act = std::exchange(act_, nullptr);
        act(storage_, true);
    }

private:
    alignas(std::max_align_t) std::byte storage_[64];
    void (*act_)(std::byte* at, bool complete) = nullptr;
};

}  // namespace headroom::net
