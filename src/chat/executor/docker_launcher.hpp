// SPDX-License-Identifier: Apache-2.0
// Runs executors in containers of their own, by the program docker. The container is the wall:
// chat-executor asks for no other in it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/executor/executor_launcher.hpp"
#include "chat/process/child_process.hpp"

namespace headroom::chat {

struct docker_options {
    std::string program;                   // the path of docker
    std::vector<std::string> environment;  // "K=V": all that docker gets; the container gets none
    std::string image;                     // check_docker_image()
    std::string network;                   // check_docker_network(); empty: none
    std::string service;                   // first part of connection names
    clock::duration command_time_max = std::chrono::seconds(5);  // of docker kill and docker rm
};

// Event loop only, whose thread lives as long as the process. The order goes to docker's standard
// input and from there to the container's; when that ends, because docker or the worker was killed,
// chat-executor ends and with it the container.
class docker_launcher final : public executor_launcher {
public:
    docker_launcher(boost::asio::any_io_executor loop, child_reaper& reaper,
                    docker_options options);

    [[nodiscard]] std::string_view name() const override { return "docker"; }
    void prepare(execution_request& what) const override;
    [[nodiscard]] result<std::unique_ptr<launched_executor>> launch(
        const execution_request& what) override;

private:
    boost::asio::any_io_executor loop_;
    child_reaper& reaper_;
    docker_options options_;
};

}  // namespace headroom::chat
