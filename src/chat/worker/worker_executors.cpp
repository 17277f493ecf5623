// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/worker_executors.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "chat/executor/launcher_choice.hpp"
#include "chat/worker/resolvers.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

executor_options options_of(const config::executor_settings& from) {
    executor_options options;
    options.running_max = static_cast<std::uint32_t>(from.running_max.value());
    return options;
}

execution_limits limits_of(const config::executor_settings& from) {
    constexpr std::uint64_t kib = 1024;
    constexpr std::uint64_t mib = kib * kib;
    execution_limits limits;
    limits.wall_time = from.wall_time;
    limits.cpu_time = from.cpu_time;
    limits.memory_bytes = from.memory_mib * mib;
    limits.processes = static_cast<std::uint32_t>(from.processes);
    limits.output_bytes = from.output_kib * kib;
    limits.folder_bytes = from.folder_mib * mib;
    limits.file_bytes = std::min(limits.file_bytes, limits.folder_bytes);
    return limits;
}

comm_spec comm_of(const config::settings& from) {
    comm_spec comm;
    comm.server = endpoint_of(from.redis);
    comm.name_prefix = from.name_prefix;
    comm.whose = {.tenant = from.tenant, .project = from.project};
    return comm;
}

}  // namespace

worker_executors::worker_executors(asio::any_io_executor loop, std::unique_ptr<child_reaper> reaper,
                                   std::unique_ptr<executor_launcher> launcher,
                                   const config::settings& from)
    : reaper_(std::move(reaper)),
      service_(std::move(loop), std::move(launcher), options_of(from.executor)),
      access_{.service = service_,
              .comm = comm_of(from),
              .limits = limits_of(from.executor),
              .may_run_unsandboxed = from.executor.unsandboxed} {}

result<std::unique_ptr<worker_executors>> worker_executors::make(asio::any_io_executor loop,
                                                                 const config::settings& from,
                                                                 config::environment variables) {
    auto reach = check_executors_reach(from.executor, from.redis);
    if (!reach) return std::unexpected(std::move(reach.error()));
    auto folder = own_folder();
    if (!folder) return std::unexpected(std::move(folder.error()));
    auto reaper = std::make_unique<child_reaper>(loop);
    auto launcher = make_launcher(from.executor, {.loop = loop,
                                                  .reaper = *reaper,
                                                  .own_folder = std::move(*folder),
                                                  .service = from.name_prefix,
                                                  .variables = std::move(variables)});
    if (!launcher) return std::unexpected(std::move(launcher.error()));
    return std::make_unique<worker_executors>(loop, std::move(reaper), std::move(*launcher), from);
}

}  // namespace headroom::chat
