// SPDX-License-Identifier: Apache-2.0
// chatd: its command line; the rest is chat/service_main.
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/version.hpp"
#include "chat/service_main.hpp"
#include "config/load.hpp"
#include "config/worker_slot.hpp"

namespace {

constexpr const char* footer =
    "All settings come from the environment, for example\n"
    "  REDIS_URL, PGHOST               the servers; unset: chatd brings its own\n"
    "  REDIS_MAX_CONNECTIONS           caps each of the three Redis pools of a process\n"
    "  PGPOOL_MAX_SIZE                 caps the Postgres pool of a process\n"
    "  GATEWAY_CONFIG_JSON             workers, limits, pools as a document\n"
    "  CHAT_APP_PORT, CHAT_ADMIN_PORT  8010 and 8011; 0: the system chooses\n"
    "and the rest in docs/environment.md. A bad value ends the start with exit code 2.";

}  // namespace

int main(int argument_count, char** arguments) {
    CLI::App app("The chat service: a supervisor with its workers.", "chatd");
    app.footer(footer);
    app.set_version_flag("--version", "chatd " + std::string(headroom::version));
    auto from = headroom::config::process_sources();
    // A worker's argument is for people who list processes; what it shall do is in its slot.
    const auto slot = headroom::config::read_worker_slot(from.variables);
    if (!slot || !*slot) CLI11_PARSE(app, argument_count, arguments);
    return headroom::chat::service_main(std::move(from));
}
