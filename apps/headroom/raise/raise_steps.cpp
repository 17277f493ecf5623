// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/raise_steps.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headroom/show/paper.hpp"

namespace headroom::tool {
namespace {

using words = std::vector<std::string>;

constexpr std::string_view plain_in_shell =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";

std::string quoted(std::string_view word) {
    if (!word.empty() && word.find_first_not_of(plain_in_shell) == std::string_view::npos)
        return std::string(word);
    // Double quotes read better around a word with single ones, where nothing in it is special.
    if (word.contains('\'') && word.find_first_of("\"$`\\!") == std::string_view::npos)
        return fmt::format("\"{}\"", word);
    std::string out = "'";
    for (const char c : word)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

words aws(words command, const aws_access& with) {
    const auto add = [&command](const char* option, const std::string& value) {
        if (value.empty()) return;
        command.emplace_back(option);
        command.push_back(value);
    };
    command.insert(command.begin(), "aws");
    add("--region", with.region);
    add("--profile", with.profile);
    add("--endpoint-url", with.endpoint_url);
    return command;
}

words psql(const psql_access& to, std::string sql) {
    words command{"psql", "-X"};
    const auto add = [&command](const char* option, const std::string& value) {
        if (value.empty()) return;
        command.emplace_back(option);
        command.push_back(value);
    };
    add("-h", to.host);
    add("-p", to.port);
    add("-U", to.superuser);
    add("-d", "postgres");
    add("-c", sql);
    return command;
}

words redis_cli(const redis_cli_access& to, const words& command) {
    words all{"redis-cli"};
    const auto add = [&all](const char* option, const std::string& value) {
        if (value.empty()) return;
        all.emplace_back(option);
        all.push_back(value);
    };
    add("-s", to.socket);
    if (to.socket.empty()) add("-h", to.host);
    if (to.socket.empty()) add("-p", to.port);
    add("--user", to.user);
    all.insert(all.end(), command.begin(), command.end());
    return all;
}

// As SQL takes a name: https://www.postgresql.org/docs/15/sql-syntax-lexical.html
std::string sql_name(std::string_view name) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const auto is_inner = [&](char c) { return is_plain(c) || (c >= '0' && c <= '9'); };
    if (!name.empty() && is_plain(name.front()) && std::ranges::all_of(name, is_inner))
        return std::string(name);
    std::string out = "\"";
    for (const char c : name)
        out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

std::string own_group_of(const rds_names& of) {
    return of.instance + "-params";
}

}  // namespace

std::string_view to_string(effect of) {
    switch (of) {
        case effect::looks:
            return "looks";
        case effect::changes:
            return "changes";
        case effect::restarts:
            return "restarts";
    }
    return "changes";
}

std::string to_shell(const std::vector<std::string>& command, std::size_t width,
                     std::size_t indent) {
    constexpr std::size_t continued = 2;  // " \\"
    std::vector<std::string> pieces;      // an option stays with its value
    for (const auto& word : command) {
        if (pieces.empty() || word.starts_with('-')) {
            pieces.push_back(quoted(word));
        } else {
            pieces.back() += " " + quoted(word);
        }
    }
    std::string out;
    std::size_t column = indent;
    const auto break_line = [&](std::size_t spaces) {
        out += " \\\n" + std::string(spaces, ' ');
        column = spaces;
    };
    for (const auto& piece : pieces) {
        const auto size = columns_of(piece) + continued;
        if (!out.empty() && column + 1 + size > width) {
            break_line(indent);
        } else if (!out.empty()) {
            out += ' ';
            ++column;
        }
        const auto blank = piece.find(' ');
        if (column + size <= width || blank == std::string::npos || !piece.starts_with('-')) {
            out += piece;
            column += size - continued;
            continue;
        }
        // A value that is too long beside its option gets a line, and as many columns as it needs.
        const auto value_size = size - blank - 1;
        out += piece.substr(0, blank);
        break_line(std::min(indent, width - std::min(width, value_size)));
        out += piece.substr(blank + 1);
        column += value_size - continued;
    }
    return out;
}

step caller_look(const aws_access& with) {
    return {.title = "See who calls",
            .command = aws({"sts", "get-caller-identity", "--output", "json"}, with),
            .does = effect::looks,
            .note = {}};
}

step rds_instances_look(const aws_access& with) {
    return {.title = "See the instance, and who shares its parameter group",
            .command = aws({"rds", "describe-db-instances", "--output", "json"}, with),
            .does = effect::looks,
            .note = {}};
}

step rds_instance_look(const rds_names& of, const aws_access& with) {
    return {.title = "See whether it is available again, and in sync with its group",
            .command = aws({"rds", "describe-db-instances", "--db-instance-identifier", of.instance,
                            "--output", "json"},
                           with),
            .does = effect::looks,
            .note = {}};
}

step rds_parameter_look(const rds_names& of, const aws_access& with) {
    return {.title = "See the value of max_connections in the group",
            .command = aws(
                {"rds", "describe-db-parameters", "--db-parameter-group-name", of.group, "--query",
                 "Parameters[?ParameterName=='max_connections']", "--output", "json"},
                with),
            .does = effect::looks,
            .note = {}};
}

step rds_find_group(const rds_names& of, const aws_access& with) {
    return {.title = "Find the instance's parameter group",
            .command = aws(
                {"rds", "describe-db-instances", "--db-instance-identifier", of.instance, "--query",
                 "DBInstances[0].DBParameterGroups[0].DBParameterGroupName", "--output", "text"},
                with),
            .does = effect::looks,
            .note = of.group == unknown_group
                        ? std::string("What it prints is the GROUP of the next step.")
                        : std::string()};
}

step rds_set_parameter(const rds_names& of, std::uint64_t wanted, const aws_access& with) {
    return {
        .title = fmt::format("Set max_connections to {} in the group", wanted),
        .command = aws({"rds", "modify-db-parameter-group", "--db-parameter-group-name", of.group,
                        "--parameters",
                        fmt::format("ParameterName=max_connections,ParameterValue={},ApplyMethod="
                                    "pending-reboot",
                                    wanted)},
                       with),
        .does = effect::changes,
        .note = "Every instance on the group takes it at its own next reboot."};
}

step rds_reboot(const rds_names& of, const aws_access& with) {
    return {.title = "Reboot the instance, which ends all its sessions",
            .command =
                aws({"rds", "reboot-db-instance", "--db-instance-identifier", of.instance}, with),
            .does = effect::restarts,
            .note = {}};
}

std::vector<step> rds_steps(const rds_names& of, std::uint64_t wanted, const aws_access& with) {
    return {rds_find_group(of, with), rds_set_parameter(of, wanted, with), rds_reboot(of, with)};
}

std::vector<step> rds_own_group_steps(const rds_names& of, std::uint64_t wanted,
                                      const aws_access& with) {
    rds_names own = of;
    own.group = own_group_of(of);
    step set = rds_set_parameter(own, wanted, with);
    set.note.clear();
    return {
        {.title = "Make a parameter group of its own",
         .command = aws({"rds", "create-db-parameter-group", "--db-parameter-group-name", own.group,
                         "--db-parameter-group-family", own.family, "--description",
                         "Parameters of " + of.instance},
                        with),
         .does = effect::changes,
         .note = own.family == unknown_family
                     ? std::string("FAMILY is what stands behind \"default.\": postgres15.")
                     : std::string()},
        std::move(set),
        {.title = "Attach it to the instance",
         .command = aws({"rds", "modify-db-instance", "--db-instance-identifier", own.instance,
                         "--db-parameter-group-name", own.group, "--apply-immediately"},
                        with),
         .does = effect::changes,
         .note = "Other changes that wait for the maintenance window are applied at once, too."},
        rds_reboot(own, with)};
}

step cache_look(const cache_names& of, const aws_access& with) {
    const bool is_group = of.kind == cache_kind::replication_group;
    return {
        .title = "See the present node type, and that it is available",
        .command = aws(
            {"elasticache", is_group ? "describe-replication-groups" : "describe-cache-clusters",
             is_group ? "--replication-group-id" : "--cache-cluster-id", of.id, "--output", "json"},
            with),
        .does = effect::looks,
        .note = {}};
}

step cache_scale(const cache_names& of, const aws_access& with) {
    const bool is_group = of.kind == cache_kind::replication_group;
    return {.title = fmt::format("Scale it to {}", of.node_type),
            .command =
                aws({"elasticache", is_group ? "modify-replication-group" : "modify-cache-cluster",
                     is_group ? "--replication-group-id" : "--cache-cluster-id", of.id,
                     "--cache-node-type", of.node_type, "--apply-immediately"},
                    with),
            .does = effect::restarts,
            .note =
                "Connections break when the new nodes take over. Other changes that wait for the "
                "maintenance window are applied at once, too."};
}

std::vector<step> cache_steps(const cache_names& of, const aws_access& with) {
    return {cache_look(of, with), cache_scale(of, with)};
}

std::vector<step> postgres_steps(const psql_access& to, std::string_view version,
                                 std::uint64_t wanted) {
    const auto major = version.substr(0, version.find_first_not_of("0123456789"));
    const std::string unit =
        major.empty() ? std::string("postgresql") : fmt::format("postgresql@{}-main", major);
    return {
        {.title = "See that the system lets it: each session is a process",
         .command = {"systemctl", "show", unit, "--property=TasksMax,LimitNPROC,LimitNOFILE"},
         .does = effect::looks,
         .note = fmt::format("TasksMax and LimitNPROC have to leave room for {} sessions and some "
                             "20 processes of its own; LimitNOFILE is for each of them, 1000 files "
                             "(max_files_per_process). For all together: sysctl fs.file-max "
                             "kernel.pid_max. The unit is called so on Debian.",
                             wanted)},
        {.title = fmt::format("Set max_connections to {}", wanted),
         .command = psql(to, fmt::format("ALTER SYSTEM SET max_connections = {}", wanted)),
         .does = effect::changes,
         .note = "As a superuser. It is written to postgresql.auto.conf."},
        {.title = "Restart the server, which ends all its sessions",
         .command = {"systemctl", "restart", unit},
         .does = effect::restarts,
         .note = "A reload does not do: max_connections is read at the start. Raise hot standbys "
                 "first: one that has fewer than its primary stops replaying."},
        {.title = "See the new value",
         .command = psql(to, "SHOW max_connections"),
         .does = effect::looks,
         .note = {}}};
}

std::vector<step> connection_limit_steps(const psql_access& to,
                                         const inspect::postgres_limits& told,
                                         std::uint64_t wanted) {
    std::vector<step> steps;
    for (const auto& bound : inspect::bounds_of(told)) {
        if (bound.name == "server" || bound.limit.server->value() >= wanted) continue;
        const bool is_role = bound.name == "role";
        const auto& name = is_role ? told.role : told.database;
        steps.push_back({.title = fmt::format("Lift the limit of the {} {}", bound.name, name),
                         .command = psql(to, fmt::format("ALTER {} {} CONNECTION LIMIT {}",
                                                         is_role ? "ROLE" : "DATABASE",
                                                         sql_name(name), wanted)),
                         .does = effect::changes,
                         .note = "It holds for new sessions at once, without a restart."});
    }
    return steps;
}

std::vector<step> redis_steps(const redis_cli_access& to, std::uint64_t wanted) {
    const auto files = wanted + redis_files_reserved;
    return {{.title = fmt::format("See that the server may open {} files", files),
             .command = {"systemctl", "show", "redis-server", "--property=LimitNOFILE"},
             .does = effect::looks,
             .note = fmt::format(
                 "Redis keeps {} for itself. If it may not: systemctl edit redis-server, "
                 "[Service] LimitNOFILE={}, and a restart; without systemd, ulimit -n "
                 "{} for the user that starts it.",
                 redis_files_reserved, files, files)},
            {.title = fmt::format("Set maxclients to {}", wanted),
             .command = redis_cli(to, {"CONFIG", "SET", "maxclients", fmt::format("{}", wanted)}),
             .does = effect::changes,
             .note = "No connection ends. An error means too few files. Where CONFIG is renamed or "
                     "refused: maxclients in redis.conf, and a restart."},
            {.title = "Keep it over a restart",
             .command = redis_cli(to, {"CONFIG", "REWRITE"}),
             .does = effect::changes,
             .note = fmt::format("Or write it into redis.conf: maxclients {}", wanted)},
            {.title = "See the new value, and again after the next restart",
             .command = redis_cli(to, {"INFO", "clients"}),
             .does = effect::looks,
             .note = "A start with too few files lowers maxclients, and only the log tells."}};
}

}  // namespace headroom::tool
