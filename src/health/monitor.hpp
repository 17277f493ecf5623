// SPDX-License-Identifier: Apache-2.0
// Watches one server: probes it each interval within a timeout and tells listeners of each change.
// Does not know what a probe is: chat/worker gives it PING and ROLE on the shared asynchronous
// Redis client.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"
#include "health/core/reachability.hpp"

namespace headroom::health {

// `why` is set for degraded and down, else null. Runs on the event loop; must not block. A listener
// that throws or removes itself harms nobody.
using listener = std::function<void(reachability state, const error* why)>;
enum class listener_id : std::uint64_t {};

struct probe_result {
    probe_outcome outcome = reachability::up;
    std::optional<error> why;  // for degraded and down
};

struct monitor_options {
    clock::duration interval =
        std::chrono::seconds(5);  // from the end of one probe to the start of the next
    clock::duration timeout = std::chrono::seconds(2);  // of one probe
    // Ends by the deadline, which it must honour.
    std::function<boost::asio::awaitable<probe_result>(deadline by)> probe;
    // Runs before listeners are told `up`, within the timeout of a probe: listeners of channels
    // resubscribe here. When it fails, `up` is not told; the next probe tries again. May be empty.
    std::function<boost::asio::awaitable<result<void>>(deadline by)> before_up;
};

class monitor {
public:
    monitor(boost::asio::any_io_executor executor, monitor_options options);
    // stop() first, if it was started.
    ~monitor();
    monitor(const monitor&) = delete;
    monitor& operator=(const monitor&) = delete;

    void start();
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

    // Told `up` and `down`, once per change, and the current one at registration when it is known.
    listener_id add_listener(listener told);
    // Told every state.
    listener_id add_detailed_listener(listener told);
    void remove_listener(listener_id id);

    [[nodiscard]] reachability state() const;
    // Since when, empty before the first probe has ended.
    [[nodiscard]] std::optional<clock::time_point> since() const;
    // Why it is degraded or down.
    [[nodiscard]] const std::optional<error>& last_error() const;
    // True, false, or empty while unknown.
    [[nodiscard]] std::optional<bool> is_healthy() const;

private:
    struct state_of;
    std::shared_ptr<state_of> state_;  // second owner: the probing task
};

}  // namespace headroom::health
