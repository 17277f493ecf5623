// SPDX-License-Identifier: Apache-2.0
// What a worker needs to run code: the reaper of its children, the launcher, the line in front of
// it. Made only where `code` is switched on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "chat/bundles/bundle_services.hpp"
#include "chat/executor/executor_service.hpp"
#include "chat/process/child_process.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

// Event loop only. stop() first.
class worker_executors {
public:
    // Nothing is started. The error is for the operator: no docker, no own folder.
    [[nodiscard]] static result<std::unique_ptr<worker_executors>> make(
        boost::asio::any_io_executor loop, const config::settings& from,
        config::environment variables);

    [[nodiscard]] const executor_access& access() const { return access_; }
    [[nodiscard]] executor_service& service() { return service_; }

    worker_executors(boost::asio::any_io_executor loop, std::unique_ptr<child_reaper> reaper,
                     std::unique_ptr<executor_launcher> launcher, const config::settings& from);

private:
    std::unique_ptr<child_reaper> reaper_;  // outlives what it started
    executor_service service_;
    executor_access access_;
};

}  // namespace headroom::chat
