// SPDX-License-Identifier: Apache-2.0
// headroom holders: who holds connections now, on both servers, as they themselves tell it.
#include <chrono>
#include <limits>
#include <thread>

#include <CLI/CLI.hpp>

#include "headroom/ask/query_options.hpp"
#include "headroom/command.hpp"
#include "headroom/holders/holder_order.hpp"
#include "headroom/holders/holders_report.hpp"
#include "headroom/show/document.hpp"

namespace headroom::tool {
namespace {

struct holders_options {
    query_options query;
    std::string by = "service,instance,process,kind";
    std::string sort = "connections";
    std::size_t top = 20;  // 0: all
    unsigned watch_seconds = 0;
};

holders_report ask_holders(const servers& of, const std::vector<inspect::group_field>& by,
                           const query_options& how) {
    holders_report report{.groups = inspect::holder_groups(by), .findings = {}};
    if (of.redis) add_holders_of(report, *of.redis, how.by());
    if (of.postgres) add_holders_of(report, *of.postgres, how.by());
    return report;
}

void show(const holders_report& report, holder_order order, const holders_options& how) {
    auto groups = report.groups.sorted();
    sort_groups(groups, order);
    const auto top = how.top == 0 ? std::numeric_limits<std::size_t>::max() : how.top;
    if (how.query.is_json) {
        auto whole = document("holders", report.worst());
        for (auto& [key, value] : to_json(report, groups, top))
            whole[key] = std::move(value);
        print(whole);
    } else {
        print(to_text(report, groups, top, how.query.on_paper()));
    }
}

int run_holders(const holders_options& how, const config::sources& from) {
    const auto by = parse_by(how.by);
    const auto order = parse_holder_order(how.sort);
    if (!by || !order) {
        complain(by ? order.error() : by.error());
        return usage_error;
    }
    const auto found = find_some_server(how.query, from);
    if (!found) return refuse("holders", how.query.is_json, found.error());
    for (;;) {
        const auto asked_at = clock::now();
        const auto report = ask_holders(*found, *by, how.query);
        show(report, *order, how);
        if (how.watch_seconds == 0) return static_cast<int>(report.worst());
        if (!how.query.is_json) print("\n");
        std::this_thread::sleep_until(asked_at + std::chrono::seconds(how.watch_seconds));
    }
}

}  // namespace

void add_holders(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("holders", "who holds connections now, on both servers");
    auto how = std::make_shared<holders_options>();  // second owner: the callback
    command
        ->add_option("--by", how->by,
                     "of service, instance, process, kind, address, user, state, with commas "
                     "(default service,instance,process,kind)")
        ->type_name("FIELDS");
    command
        ->add_option("--sort", how->sort,
                     "connections (default), redis, postgres, age, idle, in_tx, output_buffer or "
                     "name")
        ->type_name("COLUMN");
    command->add_option("--top", how->top, "at most so many groups; 0: all (default 20)")
        ->type_name("N")
        ->check(CLI::Range(0, 1'000'000'000));
    command->add_option("--watch", how->watch_seconds, "ask again and again")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
    how->query.add_to(*command);
    command->footer(
        "A connection is ours when its name is <service>:<instance>:<pid>:<kind>;\n"
        "others are foreign, shown with their name, or unnamed. An executor's instance is\n"
        "the id of its execution. AGE, IDLE and IN TX (idle in transaction) are the\n"
        "longest of the group, OUTBUF the sum of what clients have not read yet, LAST the\n"
        "command of the one that was active last. This command's own connections are not\n"
        "counted.\n"
        "Exit codes: 0 ok, 2 a server is full, 3 a server did not tell.\n\n"
        "Examples:\n"
        "  headroom holders\n"
        "  headroom holders --by service,kind\n"
        "  headroom holders --sort in_tx --top 5\n"
        "  headroom holders --by address,user,state --top 0 --json");
    command->callback([how, &run] { run.exit_code = run_holders(*how, run.from); });
}

}  // namespace headroom::tool
