// SPDX-License-Identifier: Apache-2.0
// How an execution is asked of the program docker, and what its refusals mean. Starts nothing. The
// order, and with it every secret, goes to the container's standard input and never stands here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "chat/executor/core/execution.hpp"

namespace headroom::chat {

struct container_plan {
    std::string image;
    std::string network;       // empty: none
    std::string service;       // first part of connection names; shown as a label
    std::string execution_id;  // [0-9A-Za-z_-]{1,40}
    execution_limits limits;
};

// An image or network that docker would take for an option, or that takes a wall away ("host", that
// of another container), is refused here. The error names the variable and what it may be.
[[nodiscard]] result<void> check_docker_image(std::string_view image);
[[nodiscard]] result<void> check_docker_network(std::string_view network);

// Unique to the execution as far as its id is: "headroom-chat-<execution id>".
[[nodiscard]] std::string container_name(const container_plan& plan);

// argv, "docker" first.
[[nodiscard]] std::vector<std::string> docker_run_arguments(const container_plan& plan);
[[nodiscard]] std::vector<std::string> docker_kill_arguments(const container_plan& plan);
[[nodiscard]] std::vector<std::string> docker_remove_arguments(const container_plan& plan);

// What `docker run` means by its exit code and the end of its standard error, and what to do about
// it, in words that follow "it": "could not be run: ...". Empty when the exit code is the
// executor's own.
[[nodiscard]] std::optional<std::string> explain_docker_refusal(int exit_code,
                                                                std::string_view error_tail,
                                                                const container_plan& plan);

}  // namespace headroom::chat
