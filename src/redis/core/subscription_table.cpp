// SPDX-License-Identifier: Apache-2.0
#include "redis/core/subscription_table.hpp"

#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <utility>

#include "base/assert.hpp"

namespace headroom::redis {

namespace {

constexpr std::size_t buckets_min = 16;

subscription* make(topic what, std::uint32_t hash) {
    HEADROOM_ASSERT(what.name.size() < std::numeric_limits<std::uint32_t>::max(),
                    "the subscriber bounds the names it takes");
    auto* const memory = ::operator new(sizeof(subscription) + what.name.size());
    auto* const made = ::new (memory) subscription;
    made->name_size = static_cast<std::uint32_t>(what.name.size());
    made->hash = hash;
    made->kind = what.kind;
    if (!what.name.empty()) std::memcpy(made + 1, what.name.data(), what.name.size());
    return made;
}

void destroy(subscription* which) {
    which->~subscription();
    ::operator delete(which);
}

}  // namespace

subscription_table::~subscription_table() {
    for_each([](subscription& each) { destroy(&each); });
}

std::uint32_t subscription_table::hash_of(topic what) {
    const auto wide = std::hash<std::string_view>{}(what.name);
    return static_cast<std::uint32_t>(wide ^ (wide >> 32)) + static_cast<std::uint32_t>(what.kind);
}

subscription* subscription_table::find(topic what) const {
    if (buckets_.empty()) return nullptr;
    const auto hash = hash_of(what);
    auto* at = buckets_[hash & (buckets_.size() - 1)];
    while (at != nullptr && (at->hash != hash || at->what() != what))
        at = at->next_in_bucket;
    return at;
}

subscription& subscription_table::get(topic what) {
    if (auto* const known = find(what)) return *known;
    if (size_ >= buckets_.size()) resize(buckets_.empty() ? buckets_min : buckets_.size() * 2);
    auto* const made = make(what, hash_of(what));
    made->next_in_bucket = std::exchange(bucket(made->hash), made);
    ++size_;
    return *made;
}

void subscription_table::erase(subscription& which) {
    auto** at = &bucket(which.hash);
    while (*at != &which)
        at = &(*at)->next_in_bucket;
    *at = which.next_in_bucket;
    destroy(&which);
    --size_;
}

void subscription_table::resize(std::size_t buckets) {
    std::vector<subscription*> former(buckets);
    former.swap(buckets_);
    for (auto* at : former) {
        while (at != nullptr) {
            auto* const next = at->next_in_bucket;
            at->next_in_bucket = std::exchange(bucket(at->hash), at);
            at = next;
        }
    }
}

}  // namespace headroom::redis
