// SPDX-License-Identifier: Apache-2.0
// Claims turns, runs them on bundles, publishes their events and records their ends; sweeps what
// dead processors and a forgetful Redis left behind. Decisions are in core/turn_life.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/bundles/bundle_shelf.hpp"
#include "chat/core/work_notice.hpp"
#include "chat/queue/turn_queue.hpp"
#include "chat/relay/chat_relay_communicator.hpp"
#include "chat/store/chat_store.hpp"

namespace headroom::chat {

struct processor_options {
    std::string id;  // unique among all processors of all time: instance, pid and a random part
    std::uint32_t turns_max = 5;  // service_capacity.concurrent_requests_per_process
    std::chrono::milliseconds poll_interval{1000};   // when nobody wakes us
    std::chrono::milliseconds renew_interval{3000};  // a fraction of queue_options::claim_timeout
    std::chrono::milliseconds sweep_interval{5000};
    std::chrono::milliseconds sweep_age{3000};      // accepted and unqueued for so long: enqueue
    std::chrono::milliseconds silence_max{12'000};  // running and unrenewed for so long: interrupt
    // After an outage of the store nobody counts as silent for so long: the living must first reach
    // it again (their pools back off for seconds) and renew.
    std::chrono::milliseconds calm_time{10'000};
    std::chrono::milliseconds turn_time_max{300'000};
    std::size_t answer_bytes_max = 256 * 1024;
    // For the log: "turn_interrupted", what happened. Empty: nobody listens.
    std::function<void(std::string_view event, std::string_view detail)> on_notice;
};

struct processor_stats {
    std::uint32_t running = 0;
    std::uint64_t started = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;       // ended as error
    std::uint64_t interrupted = 0;  // on behalf of the dead, at our stop, or at their people's wish
    std::uint64_t requeued = 0;
    std::uint64_t swept = 0;  // enqueued again by the sweeper
};

class processor {
public:
    processor(boost::asio::any_io_executor executor, chat_store& store, turn_queue& queue,
              chat_relay_communicator& publisher, bundle_shelf& bundles, processor_options options);
    // stop() first.
    ~processor();
    processor(const processor&) = delete;
    processor& operator=(const processor&) = delete;

    void start();
    // There may be work: claim now instead of at the next poll.
    void wake();
    // Somebody may have asked to stop a turn: renew now, which tells, instead of at the next
    // interval. Costs nothing when no turn runs.
    void look();
    // Whichever of the two the work channel asks for.
    void hear(work_notice notice);
    // Claims nothing more; running turns may end until `by`, then they are interrupted and their
    // people told. True when nothing was left running.
    [[nodiscard]] boost::asio::awaitable<bool> stop(deadline by);

    [[nodiscard]] processor_stats stats() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::chat
