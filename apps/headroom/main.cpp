// SPDX-License-Identifier: Apache-2.0
// The operator's tool: what the limits are, who holds the connections, what the fleet will need.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "base/version.hpp"
#include "headroom/command.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/help_formatter.hpp"
#include "headroom/show/level.hpp"
#include "headroom/show/words.hpp"

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

bool may_hold_password(std::string_view word) {
    return word.find('@') != std::string_view::npos ||
           word.find("password") != std::string_view::npos;
}

// Words that no option took: a value among them may be a password under a mistyped option.
std::string unexpected(const std::vector<std::string>& words) {
    std::string options;
    for (const auto& word : words) {
        if (word.size() < 2 || !word.starts_with('-')) continue;
        const auto name =
            word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
        options += (options.empty() ? "" : ", ") + headroom::printable_excerpt(name, 40);
    }
    if (!options.empty()) return "this command has no option " + options;
    return tool::count_of(words.size(), "word") +
           " more than the command takes: options begin with --";
}

std::string sentence_of(const CLI::ParseError& wrong, const CLI::App& app, int count,
                        char** words) {
    const auto left = app.remaining(true);
    const bool lacks_command = dynamic_cast<const CLI::RequiredError*>(&wrong) != nullptr;
    if (lacks_command && !left.empty() && !left.front().starts_with('-')) {
        const auto& word = left.front();
        return (may_hold_password(word) ? "***" : headroom::printable_excerpt(word, 40)) +
               " is no command";
    }
    if (!left.empty()) return unexpected(left);
    std::string sentence = wrong.what();
    for (const std::string_view word : std::span(words, static_cast<std::size_t>(count))) {
        const auto at = sentence.find(word);
        if (may_hold_password(word) && at != std::string::npos)
            sentence.replace(at, word.size(), "***");
    }
    return sentence;
}

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
        tool::complain(sentence_of(wrong, app, count, words) + " (headroom --help tells more)");
        return tool::usage_error;
    }
    return run.exit_code;
}

// A socket must not become the standard output that whoever started us has closed: what is printed
// would go to a server. What is opened instead cannot be written, so that this is noticed.
void fill_standard_streams() {
    int stream = ::open("/dev/null", O_RDONLY);
    while (stream >= 0 && stream <= STDERR_FILENO)
        stream = ::open("/dev/null", O_RDONLY);
    if (stream >= 0) ::close(stream);
}

}  // namespace

int main(int count, char** words) {
    fill_standard_streams();
    try {
        return run(count, words);
    } catch (const std::exception& thrown) {
        tool::complain(thrown.what());
        return static_cast<int>(tool::level::unknown);
    }
}
