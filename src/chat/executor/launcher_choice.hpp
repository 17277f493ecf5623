// SPDX-License-Identifier: Apache-2.0
// From settings to the launcher of a worker, or to what is wrong with them, at its start.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "chat/executor/executor_launcher.hpp"
#include "chat/process/child_process.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

struct launcher_surroundings {
    boost::asio::any_io_executor loop;  // of the thread that lives as long as the process
    child_reaper& reaper;               // outlives the launcher and what it launched
    std::string own_folder;             // where chat-executor is, beside chatd: own_folder()
    std::string service;                // settings::name_prefix
    config::environment variables;      // of this process; few of them are handed on
};

// The folder of this process' program. Reads /proc.
[[nodiscard]] result<std::string> own_folder();

// Fails when its program is not there, or the settings ask for what cannot be.
[[nodiscard]] result<std::unique_ptr<executor_launcher>> make_launcher(
    const config::executor_settings& settings, launcher_surroundings around);

// Fails when an executor of this launcher could not reach that Redis: a container sees neither the
// host's sockets nor its loopback.
[[nodiscard]] result<void> check_executors_reach(const config::executor_settings& settings,
                                                 const config::redis_settings& redis);

}  // namespace headroom::chat
