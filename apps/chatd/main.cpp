// SPDX-License-Identifier: Apache-2.0
// chatd: reads the settings once, then is a supervisor, or one of its workers. Decides nothing
// else.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/version.hpp"
#include "chat/log.hpp"
#include "chat/supervisor/supervisor.hpp"
#include "chat/worker/worker.hpp"
#include "config/load.hpp"
#include "config/worker_slot.hpp"

namespace {

using namespace headroom;

constexpr int bad_settings = 2;

constexpr const char* footer =
    "All settings come from the environment, for example\n"
    "  REDIS_URL, PGHOST               the servers; unset: chatd brings its own\n"
    "  REDIS_MAX_CONNECTIONS           caps each of the three Redis pools of a process\n"
    "  PGPOOL_MAX_SIZE                 caps the Postgres pool of a process\n"
    "  GATEWAY_CONFIG_JSON             workers, limits, pools as a document\n"
    "  CHAT_APP_PORT, CHAT_ADMIN_PORT  8010 and 8011; 0: the system chooses\n"
    "and the rest in docs/environment.md. A bad value ends the start with exit code 2.";

int refuse(const config::faults& all) {
    std::cerr << config::describe_faults(all);
    return bad_settings;
}

int run_worker(const config::sources& from, config::worker_slot slot) {
    auto settings = config::load(from);
    if (!settings) return refuse(settings.error());
    return chat::worker_main(std::move(*settings), slot);
}

int run_supervisor(config::sources from) {
    auto settings = config::load(from);
    if (!settings) return refuse(settings.error());
    const chat::log out("supervisor");
    for (const std::string& warning : settings->warnings)
        out.warning(warning);
    return chat::supervisor_main(std::move(*settings), std::move(from.variables));
}

}  // namespace

int main(int argument_count, char** arguments) {
    // A peer that went away is an error of one write, not the end of the process.
    (void)std::signal(SIGPIPE, SIG_IGN);
    config::sources from = config::process_sources();
    const auto slot = config::read_worker_slot(from.variables);
    if (!slot) return refuse(slot.error());
    if (*slot) return run_worker(from, **slot);

    CLI::App app("The chat service: a supervisor with its workers.", "chatd");
    app.footer(footer);
    app.set_version_flag("--version", "chatd " + std::string(headroom::version));
    CLI11_PARSE(app, argument_count, arguments);
    return run_supervisor(std::move(from));
}
