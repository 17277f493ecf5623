// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/docker_arguments.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

constexpr std::uint64_t mib = 1024ULL * 1024;
// chat-executor, its init and their threads, beside those of the program.
constexpr std::uint64_t own_processes = 16;
constexpr std::uint64_t own_memory_bytes = 64 * mib;
constexpr std::uint64_t own_files = 256;
constexpr std::uint64_t own_folder_entries = 4096;
constexpr std::uint64_t shared_memory_bytes = 64 * mib;
constexpr std::size_t docker_name_bytes_max = 255;
constexpr int stop_seconds = 5;

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_made_of(std::string_view text, std::string_view others) {
    return !text.empty() && text.size() <= docker_name_bytes_max &&
           is_letter_or_digit(text.front()) && std::ranges::all_of(text, [others](char c) {
               return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
           });
}

// Docker allows [a-zA-Z0-9_.-] in a name.
std::string as_docker_name(std::string_view text) {
    std::string name(text);
    std::ranges::replace_if(
        name, [](char c) { return !is_letter_or_digit(c) && c != '_' && c != '.' && c != '-'; },
        '-');
    return name;
}

// Docker counts in int64.
std::uint64_t plus(std::uint64_t one, std::uint64_t other) {
    constexpr std::uint64_t most = INT64_MAX;
    return one > most || other > most - one ? most : one + other;
}

void append(std::vector<std::string>& to, std::vector<std::string> words) {
    to.insert(to.end(), std::make_move_iterator(words.begin()),
              std::make_move_iterator(words.end()));
}

void append_walls(std::vector<std::string>& to, const container_plan& plan) {
    append(to, {"--network", plan.network.empty() ? "none" : plan.network});
    append(to, {"--ipc", "private", "--read-only"});
    // Of root's powers only what it takes to run the program as nobody, to see and end what that
    // started, and to look into its folders (DAC_OVERRIDE); the program itself gets none of them.
    append(to, {"--cap-drop", "ALL"});
    for (const char* power : {"CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"})
        append(to, {"--cap-add", power});
    append(to, {"--security-opt", "no-new-privileges"});
}

void append_limits(std::vector<std::string>& to, const execution_limits& limits) {
    // exec: what a program builds in its folder it may run. The pages of /tmp and of /dev/shm count
    // as memory of the container, so they are added to the program's own.
    append(to, {"--tmpfs",
                fmt::format("/tmp:rw,exec,nosuid,nodev,mode=1777,size={},nr_inodes={}",
                            limits.folder_bytes, plus(limits.folder_entries, own_folder_entries))});
    append(to, {"--shm-size", std::to_string(shared_memory_bytes)});
    const std::string memory =
        std::to_string(plus(plus(limits.memory_bytes, limits.folder_bytes), own_memory_bytes));
    // The same number: no swap.
    append(to, {"--memory", memory, "--memory-swap", memory});
    append(to, {"--pids-limit", std::to_string(plus(limits.processes, own_processes))});
    const std::string files = std::to_string(plus(limits.open_files, own_files));
    append(to, {"--ulimit", "core=0:0", "--ulimit", fmt::format("nofile={}:{}", files, files)});
}

bool holds(std::string_view text, std::string_view words) {
    return text.find(words) != std::string_view::npos;
}

// Docker's own refusals, exit code 125.
std::string explain_daemon(std::string_view error_tail, const container_plan& plan) {
    if (holds(error_tail, "Cannot connect to the Docker daemon") ||
        holds(error_tail, "docker daemon is not running") ||
        holds(error_tail, "error during connect"))
        return "the Docker daemon does not answer: start it, or name it by DOCKER_HOST";
    if (holds(error_tail, "permission denied"))
        return "the user of this service may not use the Docker daemon: add it to the group docker";
    if (holds(error_tail, "No such image") || holds(error_tail, "Unable to find image"))
        return fmt::format(
            "Docker has no image {}: build it from packaging/chat-executor.Dockerfile or pull it; "
            "CHAT_EXECUTOR_DOCKER_IMAGE names it",
            plan.image);
    if (holds(error_tail, "network") && holds(error_tail, "not found"))
        return fmt::format(
            "Docker has no network {}: make it with docker network create; "
            "CHAT_EXECUTOR_DOCKER_NETWORK names it",
            plan.network);
    if (holds(error_tail, "is already in use"))
        return fmt::format("Docker has a container {} already: remove it with docker rm --force",
                           container_name(plan));
    return "Docker refused to run the container";
}

}  // namespace

result<void> check_docker_image(std::string_view image) {
    if (is_made_of(image, "._-/:@")) return {};
    return failure(std::make_error_code(std::errc::invalid_argument),
                   fmt::format("CHAT_EXECUTOR_DOCKER_IMAGE is no name of an image: '{}'; it may "
                               "look like registry.example/chat-executor:1",
                               printable_excerpt(image)));
}

result<void> check_docker_network(std::string_view network) {
    if (network.empty()) return {};
    if (network == "host")
        return failure(std::make_error_code(std::errc::invalid_argument),
                       "CHAT_EXECUTOR_DOCKER_NETWORK may not be host: executed code would reach "
                       "every service of this host; make a network with docker network create");
    if (is_made_of(network, "._-")) return {};
    return failure(std::make_error_code(std::errc::invalid_argument),
                   fmt::format("CHAT_EXECUTOR_DOCKER_NETWORK is no name of a network: '{}'; make "
                               "one with docker network create",
                               printable_excerpt(network)));
}

std::string container_name(const container_plan& plan) {
    return "headroom-" + as_docker_name(plan.service) + "-" + plan.execution_id;
}

std::vector<std::string> docker_run_arguments(const container_plan& plan) {
    std::vector<std::string> words{"docker", "run", "--rm", "--interactive"};
    // A turn waits for no download: the image is there, or the execution fails and says so.
    append(words, {"--pull", "never"});
    append(words, {"--name", container_name(plan)});
    append(words, {"--label", "headroom.service=" + plan.service});
    append(words, {"--label", "headroom.execution=" + plan.execution_id});
    append(words, {"--hostname", "execution"});
    append_walls(words, plan);
    append_limits(words, plan.limits);
    append(words, {"--log-driver", "none", "--no-healthcheck"});
    append(words, {"--stop-timeout", std::to_string(stop_seconds)});
    // Whatever the image would start by itself.
    append(words, {"--workdir", "/", "--entrypoint", "chat-executor", plan.image});
    return words;
}

std::vector<std::string> docker_kill_arguments(const container_plan& plan) {
    return {"docker", "kill", container_name(plan)};
}

std::vector<std::string> docker_remove_arguments(const container_plan& plan) {
    return {"docker", "rm", "--force", container_name(plan)};
}

std::optional<std::string> explain_docker_refusal(int exit_code, std::string_view error_tail,
                                                  const container_plan& plan) {
    // https://docs.docker.com/reference/cli/docker/container/run/#exit-status
    switch (exit_code) {
        case 125:
            return "could not be run: " + explain_daemon(error_tail, plan);
        case 126:
            return fmt::format("could not be run: the chat-executor of the image {} is no program",
                               plan.image);
        case 127:
            return fmt::format(
                "could not be run: the image {} has no program chat-executor in its PATH: build it "
                "from packaging/chat-executor.Dockerfile",
                plan.image);
        case 137:
            return "was killed with its container: by somebody, or because it used more memory "
                   "than allowed";
        default:
            return std::nullopt;
    }
}

}  // namespace headroom::chat
