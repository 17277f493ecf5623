// SPDX-License-Identifier: Apache-2.0
#include "headroom/ask/query_options.hpp"

#include <charconv>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace headroom::tool {

CLI::Validator seconds_between(double least, double most) {
    return CLI::Validator(
        [=](const std::string& text) {
            double given = 0;
            const auto* const end = text.data() + text.size();
            const auto read = std::from_chars(text.data(), end, given);
            const bool is_number = read.ec == std::errc() && read.ptr == end;
            // Not a number (nan) is neither more nor less.
            if (is_number && given >= least && given <= most) return std::string();
            return fmt::format("Value {} is no number from {} to {}", text, least, most);
        },
        "");
}

void add_thresholds_to(CLI::App& command, thresholds& to) {
    command.add_option("--warn", to.warn, "percent in use that is a warning (default 70)")
        ->check(CLI::Range(1, 100));
    command.add_option("--crit", to.crit, "percent in use that is critical (default 90)")
        ->check(CLI::Range(1, 100));
    command.parse_complete_callback([&to] {
        if (to.warn <= to.crit) return;
        throw CLI::ValidationError(
            fmt::format("--warn {} is above --crit {}: a warning comes first", to.warn, to.crit));
    });
}

void query_options::add_to(CLI::App& command) {
    const auto group = "Servers (else from REDIS_URL, PGHOST and the like, else from run.json)";
    command
        .add_option("--redis", redis, "redis://[user:password@]host[:port][/db] or unix:///path")
        ->group(group)
        ->type_name("URL");
    command
        .add_option("--postgres", postgres, "postgresql://user@host/db, or \"host=... dbname=...\"")
        ->group(group)
        ->type_name("URL");
    command.add_option("--admin", admin, "chatd's admin port, http://127.0.0.1:8011")
        ->group(group)
        ->type_name("URL");
    command
        .add_flag("--ask-password", ask_password, "ask for the servers' passwords on the terminal")
        ->group(group);
    command
        .add_option("--timeout", timeout_seconds,
                    "for each server, whenever it is asked (default 5)")
        ->group(group)
        ->type_name("SECONDS")
        ->check(seconds_between(0.1, 600));
    add_output_to(command);
}

void query_options::add_output_to(CLI::App& command) {
    const auto group = "Output";
    command
        .add_flag("--json", is_json, "one JSON document; its schema is in docs/headroom-json.md")
        ->group(group);
    command.add_option("--color", color, "auto (default), always or never; NO_COLOR is respected")
        ->group(group)
        ->type_name("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    command.add_flag("--wide", is_wide, "cut no column to the terminal's width")->group(group);
}

deadline query_options::by() const {
    return clock::now() + std::chrono::duration_cast<clock::duration>(
                              std::chrono::duration<double>(timeout_seconds));
}

}  // namespace headroom::tool
