// SPDX-License-Identifier: Apache-2.0
// The life of one embedded server: started, waited for, replaced when it dies, stopped. What makes
// it Redis or Postgres is in its plan.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/restart_policy.hpp"
#include "chat/log.hpp"
#include "chat/process/child_process.hpp"

namespace headroom::chat {

struct server_plan {
    std::string name;       // "redis", "postgres"
    spawn_options program;  // its output goes to `log_file`
    std::string log_file;
    std::string socket;     // for run.json
    int stop_signal = 0;    // an orderly end without waiting for clients
    int urgent_signal = 0;  // an end now, after which the data is recovered
    // Does it answer? Asked again and again until it does.
    std::function<boost::asio::awaitable<bool>(deadline by)> answers;
};

class embedded_server {
public:
    embedded_server(boost::asio::any_io_executor executor, child_reaper& reaper, log out,
                    server_plan plan);

    // Returns when it answers. The detail of an error is one sentence for the operator.
    [[nodiscard]] boost::asio::awaitable<result<void>> start(deadline by);
    // Starts it again, with growing pauses, whenever it ends; returns after stop(). `on_change`
    // is told of each new process.
    [[nodiscard]] boost::asio::awaitable<void> keep_alive(std::function<void()> on_change);
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);
    void kill();

    [[nodiscard]] const server_plan& plan() const { return plan_; }
    [[nodiscard]] const std::shared_ptr<child_process>& process() const { return process_; }
    [[nodiscard]] bool is_ready() const { return ready_; }

private:
    [[nodiscard]] boost::asio::awaitable<result<void>> start_once(deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> wait_until_it_answers(deadline by);

    child_reaper& reaper_;
    log out_;
    server_plan plan_;
    std::shared_ptr<child_process> process_;  // second owner: the reaper, until it ended
    clock::time_point started_{};
    restart_policy restarts_;
    net::event stopping_;
    bool ready_ = false;
};

}  // namespace headroom::chat
