// SPDX-License-Identifier: Apache-2.0
// Turns waiting for a processor, on Redis Streams: one stream a lane, one consumer group. Holds
// references only; what was asked is in the store. Losing all of it loses no turn: the sweeper
// enqueues again.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/core/key_space.hpp"
#include "chat/store/chat_store.hpp"
#include "redis/client.hpp"
#include "redis/guarded_publisher.hpp"
#include "redis/script.hpp"

namespace headroom::chat {

struct queue_options {
    std::uint64_t waiting_max = 1000;                 // limits.max_queue_size
    std::vector<std::string> lanes{"default"};        // claimed in this order
    std::chrono::milliseconds claim_timeout{15'000};  // unrenewed for so long: the owner is dead
};

// One turn in the hands of one processor.
struct queue_claim {
    std::string lane;
    std::string entry;
    std::string turn_id;
    bool is_reclaimed = false;  // of an owner that stopped renewing
};

class turn_queue {
public:
    turn_queue(redis::client& through, key_space keys, queue_options options);

    // queue_full when as many turns wait as may; the answer to "may I accept a message?".
    [[nodiscard]] boost::asio::awaitable<result<void>> check_room(deadline by);

    // Adds the turn unless the queue knows it already, and wakes the processors. queue_full only
    // with `bounded`: a turn the store has accepted is never turned away.
    enum class admission : std::uint8_t { bounded, already_accepted };
    enum class enqueued : std::uint8_t { added, known };
    [[nodiscard]] boost::asio::awaitable<result<enqueued>> enqueue(std::string turn_id,
                                                                   admission how, deadline by);

    // At most `count` entries for `processor`: those of dead owners first, then waiting ones. Never
    // blocks.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<queue_claim>>> claim(
        std::string processor, std::uint32_t count, deadline by);
    // Says that the owner lives.
    [[nodiscard]] boost::asio::awaitable<result<void>> renew(std::string processor,
                                                             std::vector<queue_claim> claims,
                                                             deadline by);
    // The turn needs no processor any more.
    [[nodiscard]] boost::asio::awaitable<result<void>> acknowledge(queue_claim claim, deadline by);
    // Gives an entry that was not started back to whoever claims next.
    [[nodiscard]] boost::asio::awaitable<result<void>> put_back(queue_claim claim, deadline by);
    // Tells the processors of all workers that the store holds a request to stop.
    [[nodiscard]] boost::asio::awaitable<result<void>> announce_stop(deadline by);

    // Drops the names of processors that hold nothing and have not asked for `idle`.
    [[nodiscard]] boost::asio::awaitable<result<void>> forget_processors(
        std::chrono::milliseconds idle, deadline by);

    // Waiting now, all lanes.
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> depth(deadline by);

    [[nodiscard]] const queue_options& options() const { return options_; }

private:
    [[nodiscard]] redis::call call_by(deadline by) const { return {owner_, by}; }

    redis::client& redis_;
    key_space keys_;
    queue_options options_;
    pool::owner_id owner_;
    redis::script depth_;
    redis::script enqueue_;
    redis::script claim_;
    redis::script acknowledge_;
    redis::script put_back_;
    redis::script forget_;
    redis::guarded_publisher publisher_;
};

}  // namespace headroom::chat
