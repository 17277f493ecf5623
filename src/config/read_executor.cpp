// SPDX-License-Identifier: Apache-2.0
// The rows of executors: how many run, where, and within which limits.
#include <array>
#include <string>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/capacity.hpp"
#include "config/reading.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::string_view launcher_variable = "CHAT_EXECUTOR_LAUNCHER";
constexpr std::string_view image_variable = "CHAT_EXECUTOR_DOCKER_IMAGE";
constexpr std::string_view network_variable = "CHAT_EXECUTOR_DOCKER_NETWORK";

constexpr std::array<std::string_view, 11> all_variables{"CHAT_EXECUTORS_MAX",
                                                         launcher_variable,
                                                         "CHAT_EXECUTOR_UNSANDBOXED",
                                                         image_variable,
                                                         network_variable,
                                                         "CHAT_EXECUTOR_WALL_SEC",
                                                         "CHAT_EXECUTOR_CPU_SEC",
                                                         "CHAT_EXECUTOR_MEMORY_MB",
                                                         "CHAT_EXECUTOR_PROCESSES",
                                                         "CHAT_EXECUTOR_OUTPUT_KB",
                                                         "CHAT_EXECUTOR_FOLDER_MB"};

struct bound_row {
    std::string_view name;
    number_range range;
    std::uint64_t executor_settings::* to;
};

// The least that an interpreter starts with; the most that one run may cost a host.
constexpr std::array<bound_row, 4> bounds{{
    {"CHAT_EXECUTOR_MEMORY_MB", {.min = 16, .max = 1'048'576}, &executor_settings::memory_mib},
    {"CHAT_EXECUTOR_PROCESSES", {.min = 1, .max = 10'000}, &executor_settings::processes},
    {"CHAT_EXECUTOR_OUTPUT_KB", {.min = 1, .max = 65'536}, &executor_settings::output_kib},
    {"CHAT_EXECUTOR_FOLDER_MB", {.min = 1, .max = 1'048'576}, &executor_settings::folder_mib},
}};

void read_limits(reading& run, executor_settings& to) {
    if (const auto most = run.whole_number("CHAT_EXECUTORS_MAX", {.min = 1, .max = 1000})) {
        to.running_max = connection_count(*most);
    }
    constexpr seconds_range wall{.min = milliseconds(100), .max = hours(1)};
    constexpr seconds_range cpu{.min = milliseconds(100), .max = hours(10)};
    if (const auto span = run.seconds("CHAT_EXECUTOR_WALL_SEC", wall)) to.wall_time = *span;
    if (const auto span = run.seconds("CHAT_EXECUTOR_CPU_SEC", cpu)) to.cpu_time = *span;
    for (const bound_row& row : bounds) {
        if (const auto most = run.whole_number(row.name, row.range)) to.*row.to = *most;
    }
}

void read_launcher(reading& run, executor_settings& to) {
    const auto word = run.text(launcher_variable);
    if (!word) return;
    for (const launcher_kind kind : {launcher_kind::child, launcher_kind::docker}) {
        if (to_string(kind) == *word) {
            to.launcher = kind;
            return;
        }
    }
    run.note_fault(launcher_variable, "one of child, docker");
}

// An argument of docker's own: one that began with '-' would be an option.
std::string docker_word(reading& run, std::string_view name, std::string_view example) {
    constexpr std::size_t bytes_max = 255;
    const auto word = run.text(name);
    if (!word) return {};
    const char first = word->front();
    const bool begins_well = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                             (first >= '0' && first <= '9');
    if (!begins_well || word->size() > bytes_max || !is_visible_ascii(*word)) {
        run.note_fault(name,
                       fmt::format("a name that begins with a letter or a digit, without spaces, "
                                   "of at most {} characters",
                                   bytes_max),
                       fmt::format("for example {}={}", name, example));
    }
    return std::string(*word);
}

// A container reaches a server by its network only.
void check_docker(reading& run, const executor_settings& of) {
    const redis_settings& redis = run.to.out.redis;
    if (of.docker_image.empty()) {
        run.note_fault(image_variable,
                       "the image that executors run in, because CHAT_EXECUTOR_LAUNCHER is docker",
                       "name one that holds chat-executor, or use CHAT_EXECUTOR_LAUNCHER=child");
    }
    if (run.has_fault("REDIS_URL") || run.has_fault("REDIS_HOST")) return;
    const auto* tcp = redis.embedded ? nullptr : std::get_if<tcp_address>(&redis.address);
    if (tcp == nullptr) {
        run.note_fault(
            launcher_variable,
            fmt::format("child, because Redis is {}, which no container reaches",
                        redis.embedded ? "the embedded one, on a unix socket" : "on a unix socket"),
            "name a Redis with an address (REDIS_URL=redis://host:6379), or use the launcher "
            "child");
        return;
    }
    if (of.docker_network.empty()) {
        run.warn(
            fmt::format("{} is unset: executors have no network, and the events that code "
                        "emits are refused",
                        network_variable));
        return;
    }
    if (redis.tls && !(redis.tls->ca_file + redis.tls->certificate_file).empty()) {
        run.warn(
            "executors in containers read the files of REDIS_TLS_... by the same paths inside "
            "them: unless the image holds them there, the events that code emits will be lost");
    }
    const bool is_loopback =
        tcp->host == "localhost" || tcp->host.starts_with("127.") || tcp->host == "::1";
    if (is_loopback && of.docker_network != "host") {
        run.warn(
            fmt::format("Redis is at {}, which in a container of the network {} is the "
                        "container itself: the events that code emits will be lost",
                        tcp->host, of.docker_network));
    }
}

void warn_of_no_effect(reading& run) {
    std::string set;
    for (const std::string_view name : all_variables) {
        if (run.is_set(name)) set += (set.empty() ? "" : ", ") + std::string(name);
    }
    if (set.empty()) return;
    run.warn(fmt::format("{}: no effect, because CHAT_BUNDLES does not name {}", set, code_bundle));
}

}  // namespace

void read_executor(reading& run) {
    executor_settings& to = run.to.out.executor;
    read_limits(run, to);
    read_launcher(run, to);
    if (const auto answer = run.flag("CHAT_EXECUTOR_UNSANDBOXED")) to.unsandboxed = *answer;
    to.docker_image = docker_word(run, image_variable, "registry/chat-executor:1");
    to.docker_network = docker_word(run, network_variable, "chat");

    if (run.has_fault("CHAT_BUNDLES")) return;
    if (!names_code(run.to.out)) return warn_of_no_effect(run);
    if (executors_per_worker(run.to.out) == connection_count(0)) return;
    if (to.launcher == launcher_kind::docker) return check_docker(run, to);
    if (to.unsandboxed) {
        run.warn(
            "CHAT_EXECUTOR_UNSANDBOXED is set: where bubblewrap cannot be used, code runs with "
            "the rights, the files and the network of this service");
    }
}

}  // namespace headroom::config
