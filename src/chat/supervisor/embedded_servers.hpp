// SPDX-License-Identifier: Apache-2.0
// The servers that nobody named and chatd brings itself: none, one or both, with their folder.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/log.hpp"
#include "chat/supervisor/data_folder.hpp"
#include "chat/supervisor/embedded_server.hpp"
#include "chat/supervisor/monitoring_report.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

class embedded_servers {
public:
    embedded_servers(boost::asio::any_io_executor executor, child_reaper& reaper, log out);

    // Does nothing when both servers are named. `on_change` is told when one was started again.
    [[nodiscard]] boost::asio::awaitable<result<void>> start(const config::settings& settings,
                                                             std::string path_variable,
                                                             std::function<void()> on_change,
                                                             deadline by);
    // Postgres first, then Redis, and forgets the run: an ordered stop.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);
    void kill();

    // What a worker must be told of them: addresses and the kept session secret.
    [[nodiscard]] const config::environment& overrides() const { return overrides_; }
    [[nodiscard]] std::vector<embedded_view> view() const;
    // Completes `record` and writes it; nothing without a folder.
    void write_record(run_record record) const;

private:
    [[nodiscard]] boost::asio::awaitable<result<void>> start_redis(const config::settings& settings,
                                                                   std::string path_variable,
                                                                   deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> start_postgres(
        const config::settings& settings, std::string path_variable, deadline by);
    void keep(const std::unique_ptr<embedded_server>& server);

    boost::asio::any_io_executor executor_;
    child_reaper& reaper_;
    log out_;
    std::optional<data_folder> folder_;
    std::unique_ptr<embedded_server> redis_;
    std::unique_ptr<embedded_server> postgres_;
    config::environment overrides_;
    std::function<void()> on_change_;
    net::task_group tasks_;
};

}  // namespace headroom::chat
