// SPDX-License-Identifier: Apache-2.0
// The topics a subscriber knows, found by kind and name. One allocation each, the name in it, at an
// address that stays: queues hold pointers and copy nothing. Not what is asked when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace headroom::redis {

enum class topic_kind : std::uint8_t {
    channel,
    pattern,  // a glob, as PSUBSCRIBE takes it: https://redis.io/commands/psubscribe
};
inline constexpr std::size_t topic_kinds = 2;

struct topic {
    topic_kind kind = topic_kind::channel;
    std::string_view name;
    bool operator==(const topic&) const = default;
};

// What is known of one topic. Its name lies behind it.
struct subscription {
    subscription* next_in_bucket = nullptr;
    subscription* next_changed = nullptr;
    std::uint32_t references = 0;
    std::uint32_t answers_due = 0;
    std::uint32_t name_size = 0;
    std::uint32_t hash = 0;
    topic_kind kind = topic_kind::channel;
    bool asked = false;         // the last request of this connection was to subscribe
    bool is_delivered = false;  // so say the answers that have come on this connection
    bool denied = false;        // by this server on this connection
    bool alone = false;         // was in a command that was refused: asked by itself from now on
    bool is_queued = false;     // the wish may differ from what was asked
    bool is_restoring = false;  // wanted when the connection was made, not settled since

    [[nodiscard]] std::string_view name() const {
        return {reinterpret_cast<const char*>(this + 1), name_size};
    }
    [[nodiscard]] topic what() const { return {kind, name()}; }
    [[nodiscard]] bool is_wanted() const { return references > 0; }
    [[nodiscard]] bool is_settled() const {
        return is_wanted() && answers_due == 0 && (asked || denied);
    }
};

class subscription_table {
public:
    subscription_table() = default;
    ~subscription_table();
    subscription_table(const subscription_table&) = delete;
    subscription_table& operator=(const subscription_table&) = delete;

    [[nodiscard]] subscription* find(topic what) const;
    // The one there is, or a new one. Names are shorter than 4 GiB.
    subscription& get(topic what);
    void erase(subscription& which);
    [[nodiscard]] std::size_t size() const { return size_; }

    // Visits each once; `visit` may erase the one it is given and no other.
    template <class Visit>
    void for_each(Visit visit) {
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            for (auto* at = buckets_[i]; at != nullptr;) {
                auto* const next = at->next_in_bucket;
                visit(*at);
                at = next;
            }
        }
    }

private:
    [[nodiscard]] static std::uint32_t hash_of(topic what);
    [[nodiscard]] subscription*& bucket(std::uint32_t hash) {
        return buckets_[hash & (buckets_.size() - 1)];
    }
    void resize(std::size_t buckets);

    std::vector<subscription*> buckets_;  // as many as a power of two, or none
    std::size_t size_ = 0;
};

}  // namespace headroom::redis
