// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/launcher_choice.hpp"

#include <unistd.h>
#include <algorithm>

#include <array>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "chat/executor/child_launcher.hpp"
#include "chat/executor/core/docker_arguments.hpp"
#include "chat/executor/docker_launcher.hpp"
#include "chat/process/program_search.hpp"

namespace headroom::chat {
namespace {

// Of a worker's environment, which may hold passwords, a program gets these and nothing else.
constexpr std::array<std::string_view, 3> executor_variables{"PATH", "LANG", "TMPDIR"};
// And docker these besides: where its daemon is and how to talk to it.
constexpr std::array<std::string_view, 12> docker_variables{
    "PATH",        "LANG",          "TMPDIR",           "HOME",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT",   "DOCKER_TLS_VERIFY",
    "DOCKER_TLS",  "SSH_AUTH_SOCK", "DOCKER_CERT_PATH", "XDG_RUNTIME_DIR"};

std::vector<std::string> chosen_from(const config::environment& variables,
                                     std::span<const std::string_view> names) {
    std::vector<std::string> chosen;
    for (const std::string_view name : names) {
        const auto found = variables.find(name);
        if (found != variables.end())
            chosen.push_back(fmt::format("{}={}", found->first, found->second));
    }
    return chosen;
}

result<std::unique_ptr<executor_launcher>> make_child(launcher_surroundings around) {
    std::string program = around.own_folder + "/chat-executor";
    if (::access(program.c_str(), X_OK) != 0)
        return failure(
            std::make_error_code(std::errc::no_such_file_or_directory),
            fmt::format("{} is no program: install chat-executor beside chatd", program));
    return std::make_unique<child_launcher>(around.loop, around.reaper, std::move(program),
                                            chosen_from(around.variables, executor_variables));
}

result<std::unique_ptr<executor_launcher>> make_docker(const config::executor_settings& settings,
                                                       launcher_surroundings around) {
    if (settings.docker_image.empty())
        return failure(std::make_error_code(std::errc::invalid_argument),
                       "CHAT_EXECUTOR_LAUNCHER is docker, but CHAT_EXECUTOR_DOCKER_IMAGE names no "
                       "image: build one from packaging/chat-executor.Dockerfile");
    if (auto checked = check_docker_image(settings.docker_image); !checked)
        return std::unexpected(checked.error());
    if (auto checked = check_docker_network(settings.docker_network); !checked)
        return std::unexpected(checked.error());
    const auto path = around.variables.find("PATH");
    auto program = find_program(path == around.variables.end() ? "" : path->second, "docker");
    if (!program)
        return failure(std::make_error_code(std::errc::no_such_file_or_directory),
                       "CHAT_EXECUTOR_LAUNCHER is docker, but there is no program docker in PATH: "
                       "install Docker's client (Debian package docker.io)");
    return std::make_unique<docker_launcher>(
        around.loop, around.reaper,
        docker_options{.program = std::move(*program),
                       .environment = chosen_from(around.variables, docker_variables),
                       .image = settings.docker_image,
                       .network = settings.docker_network,
                       .service = std::move(around.service)});
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

result<std::string> own_folder() {
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) return failure(failed, "where this program is cannot be read from /proc/self/exe");
    return program.parent_path().string();
}

result<std::unique_ptr<executor_launcher>> make_launcher(const config::executor_settings& settings,
                                                         launcher_surroundings around) {
    switch (settings.launcher) {
        case config::launcher_kind::child:
            return make_child(std::move(around));
        case config::launcher_kind::docker:
            return make_docker(settings, std::move(around));
    }
    return failure(std::make_error_code(std::errc::invalid_argument), "an unknown launcher");
}

result<void> check_executors_reach(const config::executor_settings& settings,
                                   const config::redis_settings& redis) {
    if (settings.launcher != config::launcher_kind::docker) return {};
    const auto unreachable = [](std::string_view what) {
        return failure(
            std::make_error_code(std::errc::invalid_argument),
            fmt::format("CHAT_EXECUTOR_LAUNCHER is docker, but {}: give REDIS_URL a host that "
                        "containers of CHAT_EXECUTOR_DOCKER_NETWORK reach, or use the launcher "
                        "child",
                        what));
    };
    if (redis.embedded)
        return unreachable("a container cannot reach the embedded Redis, which has no port");
    if (std::holds_alternative<config::unix_address>(redis.address))
        return unreachable("a container cannot reach Redis on a unix socket of this host");
    if (const auto* at = std::get_if<config::sentinel_address>(&redis.address)) {
        const bool is_local = std::ranges::any_of(
            at->sentinels, [](const auto& one) { return is_loopback(one.host); });
        if (is_local) {
            return unreachable("in a container, a sentinel on localhost is the container's own");
        }
        return {};
    }
    if (is_loopback(std::get<config::tcp_address>(redis.address).host))
        return unreachable("in a container, localhost is the container and not this host");
    return {};
}

}  // namespace headroom::chat
