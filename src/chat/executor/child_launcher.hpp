// SPDX-License-Identifier: Apache-2.0
// Runs executors as child processes of the worker. Raises no walls: chat-executor does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "chat/executor/executor_launcher.hpp"
#include "chat/process/child_process.hpp"

namespace headroom::chat {

// Event loop only, whose thread lives as long as the process: an executor is killed when the thread
// that started it ends.
class child_launcher final : public executor_launcher {
public:
    // `program` is the path of chat-executor; `environment`, "K=V", is all that it gets.
    child_launcher(boost::asio::any_io_executor loop, child_reaper& reaper, std::string program,
                   std::vector<std::string> environment);

    [[nodiscard]] std::string_view name() const override { return "child"; }
    void prepare(execution_request& what) const override;
    [[nodiscard]] result<std::unique_ptr<launched_executor>> launch(
        const execution_request& what) override;

private:
    boost::asio::any_io_executor loop_;
    child_reaper& reaper_;
    std::string program_;
    std::vector<std::string> environment_;
};

}  // namespace headroom::chat
