// SPDX-License-Identifier: Apache-2.0
// The operator's tool: what the limits are, who holds the connections, what the fleet will need.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "base/version.hpp"
#include "headroom/command.hpp"
#include "headroom/show/help_formatter.hpp"
#include "headroom/show/level.hpp"

namespace {

namespace tool = headroom::tool;

constexpr const char* footer =
    "Where the servers are: --redis, --postgres and --admin of each command; else\n"
    "REDIS_URL, PGHOST and the other variables of docs/environment.md; else the\n"
    "run.json of a chatd that brought its own. A password comes from a URL, the\n"
    "environment, PGPASSFILE or --ask-password.\n"
    "Exit codes: 0 ok, 1 warning, 2 critical or a failing verdict, 3 unknown,\n"
    "64 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  headroom limits                     how close are we?\n"
    "  headroom holders --by service,kind  who holds the connections?\n"
    "  headroom plan --instances 4         what would four instances need?\n"
    "  headroom raise postgres --to 300    what a higher limit takes\n"
    "  headroom check                      one answer for cron and pipelines\n"
    "  headroom limits --help              the options of one command";

int run(int count, char** words) {
    tool::invocation run{.from = headroom::config::process_sources()};
    CLI::App app("Counts connections before the servers do.", "headroom");
    app.formatter(std::make_shared<tool::help_formatter>());  // subcommands inherit it
    app.footer(footer);
    app.set_version_flag("--version", "headroom " + std::string(headroom::version));
    app.require_subcommand(1);
    tool::add_limits(app, run);
    tool::add_holders(app, run);
    tool::add_plan(app, run);
    tool::add_check(app, run);
    tool::add_raise(app, run);
    tool::add_top(app, run);
    tool::add_config(app, run);
    try {
        app.parse(count, words);
    } catch (const CLI::Success& asked) {
        return app.exit(asked);  // --help, --version
    } catch (const CLI::ParseError& wrong) {
        if (count < 2) {
            (void)std::fputs(app.help().c_str(), stderr);
            return tool::usage_error;
        }
        (void)std::fprintf(stderr, "headroom: %s (headroom --help tells more)\n", wrong.what());
        return tool::usage_error;
    }
    return run.exit_code;
}

}  // namespace

int main(int count, char** words) {
    try {
        return run(count, words);
    } catch (const std::exception& thrown) {
        (void)std::fprintf(stderr, "headroom: %s\n", thrown.what());
        return static_cast<int>(tool::level::unknown);
    }
}
