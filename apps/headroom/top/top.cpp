// SPDX-License-Identifier: Apache-2.0
// headroom top: who holds connections, live, on the whole screen; as plain tables where there is
// none.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "headroom/ask/query_options.hpp"
#include "headroom/command.hpp"
#include "headroom/show/document.hpp"
#include "headroom/top/terminal.hpp"
#include "headroom/top/top_asker.hpp"
#include "headroom/top/top_view.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

// How long an Esc may be the beginning of an arrow key.
constexpr std::chrono::milliseconds escape_pause{40};
constexpr std::size_t plain_groups_max = 20;

struct top_options {
    query_options query;
    std::string by = "service,kind";
    std::string sort = "connections";
    std::string filter;
    unsigned watch_seconds = 2;
    std::uint64_t count = 0;  // looks; 0: without end
};

// --- on the whole screen -------------------------------------------------------------------------

// How the screen was left.
struct left_by {
    std::optional<int> signal = {};
    level worst = level::ok;  // of the last look, when --count ended it
};

class full_screen {
public:
    full_screen(terminal& shown, top_view& view, top_asker& asker, std::uint64_t looks)
        : shown_(shown), view_(view), asker_(asker), looks_left_(looks), is_endless_(looks == 0) {}

    left_by run() {
        view_.on_resize(shown_.size());
        for (;;) {
            const auto now = clock::now();
            const bool is_due = !view_.is_paused() && now >= next_look_;
            if (!asker_.is_busy() && (is_due || has_new_question_)) begin_look(now);
            shown_.show(view_.frame());
            const auto seen = shown_.wait(next_event(now), asker_.wake());
            if (seen.signal) return {.signal = seen.signal};
            if (seen.has_new_size) view_.on_resize(shown_.size());
            if (seen.has_woken && !take_look()) return {.worst = worst_};
            if (!take_keys(seen.bytes)) return {};
        }
    }

private:
    [[nodiscard]] deadline next_event(deadline now) const {
        if (keys_.is_waiting()) return now + escape_pause;
        if (asker_.is_busy() || view_.is_paused()) return deadline::max();
        return next_look_;
    }

    void begin_look(deadline now) {
        has_new_question_ = false;
        next_look_ = now + view_.interval();
        asker_.begin(view_.question());
    }

    // False after the last one.
    bool take_look() {
        auto look = asker_.take();
        worst_ = look.holders.worst();
        view_.on_look(std::move(look));
        return is_endless_ || --looks_left_ > 0;
    }

    // False: quit.
    bool take_keys(const std::string& bytes) {
        const auto interval = view_.interval();
        for (const auto& one : bytes.empty() ? keys_.read_pause() : keys_.read(bytes)) {
            const auto effect = view_.on_key(one);
            if (effect == top_view::effect::quit) return false;
            if (effect == top_view::effect::ask_and_draw) has_new_question_ = true;
        }
        next_look_ += view_.interval() - interval;
        return true;
    }

    terminal& shown_;
    top_view& view_;
    top_asker& asker_;
    key_reader keys_;
    std::uint64_t looks_left_;
    bool is_endless_;
    bool has_new_question_ = false;
    deadline next_look_{};
    level worst_ = level::ok;
};

int run_on_screen(const servers& at, top_view::settings start, const top_options& how) {
    left_by left;
    auto opened = terminal::open();
    if (!opened) {
        complain(opened.error().what());
        return static_cast<int>(level::unknown);
    }
    std::optional<terminal> shown(std::move(*opened));
    top_asker asker(at, how.query.timeout_seconds);
    top_view view(std::move(start));
    left = full_screen(*shown, view, asker, how.count).run();
    shown.reset();
    if (left.signal) {
        // As if it had never been caught: who started us is to know what ended us.
        (void)std::signal(*left.signal, SIG_DFL);
        (void)std::raise(*left.signal);
    }
    // A question to a server that hangs cannot be taken back; with the process it ends at once.
    if (asker.is_busy()) std::_Exit(static_cast<int>(left.worst));
    return static_cast<int>(left.worst);
}

// --- as plain tables -----------------------------------------------------------------------------

json::value to_json(const server_use* of) {
    if (of == nullptr) return nullptr;
    const bool is_known = of->in_use && of->usable;
    return json::object{
        {"in_use", or_null(of->in_use)},
        {"usable", or_null(of->usable)},
        {"used_percent", is_known ? json::value(percent(*of->in_use, *of->usable)) : json::value()},
        {"remark", of->remark}};
}

void print_as_json(const top_look& look, const std::vector<inspect::holder_group>& groups) {
    auto whole = document("top", look.holders.worst());
    const auto use_of = [&look](std::string_view name) {
        const auto found = std::ranges::find(look.servers, name, &server_use::name);
        return to_json(found == look.servers.end() ? nullptr : &*found);
    };
    whole["redis"] = use_of("Redis");
    whole["postgres"] = use_of("Postgres");
    whole["holders"] = to_json(look.holders, groups, groups.size());
    print(whole);
}

void print_as_text(const top_look& look, const std::vector<inspect::holder_group>& groups,
                   const top_options& how) {
    const auto on = how.query.on_paper();
    auto title = fmt::format("{}  by {}, sorted by {}", look.asked_at, how.by, how.sort);
    if (!how.filter.empty()) title += fmt::format(", only '{}'", how.filter);
    std::string out = wrap(title, on.width, 2) + "\n";
    for (const auto& line : use_lines(look.servers, on))
        out += line + "\n";
    print(out + to_text(look.holders, groups, plain_groups_max, on));
}

int run_plain(const servers& at, const top_view::settings& start, const top_options& how) {
    for (std::uint64_t done = 1;; ++done) {
        const auto asked_at = clock::now();
        const auto look = ask_for_top(at, start.question, how.query.timeout_seconds);
        auto groups = look.holders.groups.sorted();
        sort_groups(groups, start.order);
        if (how.query.is_json) {
            print_as_json(look, groups);
        } else {
            print_as_text(look, groups, how);
        }
        if (done == how.count) return static_cast<int>(look.holders.worst());
        if (!how.query.is_json) print("\n");
        std::this_thread::sleep_until(asked_at + start.interval);
    }
}

int run_top(const top_options& how, const config::sources& from) {
    const auto by = parse_by(how.by);
    const auto order = parse_holder_order(how.sort);
    if (!by || !order) {
        complain(by ? order.error() : by.error());
        return usage_error;
    }
    const auto found = find_some_server(how.query, from);
    if (!found) return refuse("top", how.query.is_json, found.error());
    const top_view::settings start{.question = {.by = *by, .filter = how.filter},
                                   .order = *order,
                                   .interval = seconds(how.watch_seconds),
                                   .is_coloured = how.query.on_paper().is_coloured};
    const auto term = from.variables.find("TERM");
    const bool is_dumb = term == from.variables.end() || term->second == "dumb";
    const bool is_plain = how.query.is_json || is_dumb || !terminal::is_there();
    return is_plain ? run_plain(*found, start, how) : run_on_screen(*found, start, how);
}

}  // namespace

void add_top(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("top", "who holds connections, live, on the whole screen");
    auto how = std::make_shared<top_options>();  // second owner: the callback
    command->add_option("--by", how->by, "what to group by (default service,kind)")
        ->type_name("FIELDS");
    command->add_option("--sort", how->sort, "most of this first (default connections)")
        ->type_name("COLUMN");
    command->add_option("--filter", how->filter, "in name, address, user or state")
        ->type_name("TEXT");
    command->add_option("--watch", how->watch_seconds, "from one look to the next (default 2)")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
    command->add_option("--count", how->count, "end after so many looks")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    how->query.add_to(*command);
    command->footer(
        "FIELDS are service, instance, process, kind, address, user, state, with commas. COLUMN "
        "is\n"
        "connections, redis, postgres, age, idle, in_tx, output_buffer or name.\n"
        "Keys: q quit, s sort, r reverse, g group, / filter, space pause, + and - interval,\n"
        "arrows scroll, h help. Where standard input or output is no terminal, and with --json,\n"
        "it prints one look after the other: the first 20 groups; with --json all.\n"
        "--timeout is for each server. This command's own connections are not counted.\n"
        "Exit codes: 0 quit; after --count looks, of the last one: 0 ok, 2 a server is full,\n"
        "3 a server did not tell.\n\n"
        "Examples:\n"
        "  headroom top\n"
        "  headroom top --by address,user --sort idle --filter web-1\n"
        "  headroom top --count 1 --json");
    command->callback([how, &run] { run.exit_code = run_top(*how, run.from); });
}

}  // namespace headroom::tool
