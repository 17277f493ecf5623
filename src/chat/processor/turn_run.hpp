// SPDX-License-Identifier: Apache-2.0
// One claimed turn, from the claim to its acknowledgement. Which turns are claimed and when they
// are stopped is the processor's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "chat/core/outage_guard.hpp"
#include "chat/processor/live_answer.hpp"
#include "chat/processor/processor.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

// What every turn of a processor works with. Outlives its turns.
struct turn_tools {
    boost::asio::any_io_executor executor;
    chat_store& store;
    turn_queue& queue;
    chat_relay_communicator& publisher;
    bundle_shelf& bundles;
    const processor_options& options;
    processor_stats& stats;
    outage_guard& store_outages;

    void notice(std::string_view event, std::string_view detail) const {
        if (options.on_notice) options.on_notice(event, detail);
    }
    // May an owner that has been silent for options.silence_max be taken for dead, and by when must
    // the store have said so?
    [[nodiscard]] std::optional<deadline> may_judge_silence_until() const {
        return store_outages.trusted_until(clock::now());
    }
    // After a turn was ended in the store without an answer: its people, then the conversation's
    // next turn.
    [[nodiscard]] boost::asio::awaitable<void> tell_interrupted(interrupted_turn ended,
                                                                deadline by) const;
};

class turn_run {
public:
    turn_run(const turn_tools& tools, queue_claim claim, fencing_token token);

    [[nodiscard]] boost::asio::awaitable<void> run();

    // The bundle ends now, and the turn as interrupted for this reason; the first reason stands.
    void interrupt(interruption_cause why);
    // Nothing takes longer than this any more.
    void hurry(deadline by) { hurry_by_ = by; }

    [[nodiscard]] const queue_claim& claim() const { return claim_; }
    // Once it is ours in the store.
    [[nodiscard]] std::optional<owned_turn> owned() const;

private:
    [[nodiscard]] deadline within(clock::duration time) const;
    template <class T>
    [[nodiscard]] boost::asio::awaitable<result<T>> persist(
        std::function<boost::asio::awaitable<result<T>>(deadline)> attempt, clock::duration time);
    [[nodiscard]] boost::asio::awaitable<void> answer(const begun_turn& begun);
    [[nodiscard]] boost::asio::awaitable<void> run_bundle(const shelved_bundle& chosen,
                                                          bundle_request request, deadline by);
    [[nodiscard]] turn_ending ending() const;
    [[nodiscard]] boost::asio::awaitable<void> record(turn_ending how, const turn_events& events);
    [[nodiscard]] boost::asio::awaitable<void> acknowledge();

    // Fixed at construction.
    const turn_tools& tools_;
    queue_claim claim_;
    fencing_token token_;

    // Event loop only.
    net::task_group bundle_task_;
    net::task_group delta_task_;
    std::optional<live_answer> live_;
    result<void> outcome_;  // of the bundle
    std::optional<interruption_cause> interrupted_by_;
    std::optional<deadline> hurry_by_;
};

}  // namespace headroom::chat
