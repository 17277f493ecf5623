// SPDX-License-Identifier: Apache-2.0
// The workers of this instance: started afresh, listened to, replaced, stopped. Opens no pool and
// answers no request.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/count.hpp"
#include "base/time.hpp"
#include "chat/core/restart_policy.hpp"
#include "chat/log.hpp"
#include "chat/process/child_process.hpp"
#include "chat/supervisor/worker_view.hpp"
#include "config/worker_slot.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

struct fleet_options {
    worker_count workers{1};
    int listen_descriptor = -1;
    // A worker that is not ready so long after its start is ended and replaced.
    clock::duration ready_within = std::chrono::minutes(1);
    // "K=V", for one worker about to start.
    std::function<std::vector<std::string>(const config::worker_slot& slot)> environment;
    std::function<void()> on_change;  // a worker started, ended, or became ready
};

class worker_fleet {
public:
    worker_fleet(boost::asio::any_io_executor executor, child_reaper& reaper, log out,
                 fleet_options options);
    ~worker_fleet();

    void start();
    // False when `by` passed first.
    [[nodiscard]] boost::asio::awaitable<bool> wait_first_ready(deadline by) {
        return first_ready_.wait(by);
    }
    // SIGTERM to all; SIGKILL at `by` to those that are left. Returns when all are gone.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);
    void kill();

    [[nodiscard]] const std::vector<worker_view>& workers() const { return views_; }
    [[nodiscard]] bool was_ever_ready() const { return first_ready_.is_set(); }
    // Why a worker last failed; empty when none did.
    [[nodiscard]] const std::string& last_reason() const { return last_reason_; }

private:
    struct place;

    [[nodiscard]] boost::asio::awaitable<void> fill(std::uint32_t index);
    [[nodiscard]] bool start_worker(std::uint32_t index);
    [[nodiscard]] boost::asio::awaitable<void> watch(std::uint32_t index);
    [[nodiscard]] boost::asio::awaitable<void> listen(std::uint32_t index,
                                                      std::shared_ptr<place> to);
    // False when the frame is none: the worker is not to be trusted further.
    [[nodiscard]] bool take_frame(std::uint32_t index, const std::string& line);
    void note_ready(std::uint32_t index);
    void note_failure(std::uint32_t index, std::string why);
    void changed() const;

    boost::asio::any_io_executor executor_;
    child_reaper& reaper_;
    log out_;
    fleet_options options_;
    std::vector<worker_view> views_;
    std::vector<std::shared_ptr<place>> places_;  // second owner: the task that listens
    net::event first_ready_;
    net::event stopping_;
    net::task_group tasks_;
    std::string last_reason_;
};

}  // namespace headroom::chat
