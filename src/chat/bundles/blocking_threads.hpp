// SPDX-License-Identifier: Apache-2.0
// The few threads on which blocking bundles run, so that the event loop never waits for them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"

namespace headroom::chat {

class blocking_threads {
public:
    // Starts no thread before the first run().
    explicit blocking_threads(std::uint32_t threads_max);
    // Waits for what still runs: every job has a deadline of its own.
    ~blocking_threads();
    blocking_threads(const blocking_threads&) = delete;
    blocking_threads& operator=(const blocking_threads&) = delete;

    // Runs `job` on a thread and comes back to the caller's event loop with its answer, or with
    // bundle_failed when `by` passes first; the job then ends unheard.
    [[nodiscard]] boost::asio::awaitable<result<std::string>> run(
        std::function<result<std::string>()> job, deadline by);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::chat
