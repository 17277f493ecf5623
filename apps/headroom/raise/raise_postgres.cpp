// SPDX-License-Identifier: Apache-2.0
// What there is to raise about a Postgres server: RDS, one that somebody runs, or chatd's own.
#include <fmt/format.h>

#include "headroom/ask/asked.hpp"
#include "headroom/raise/raise_case.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

psql_access psql_access_of(const std::optional<postgres_place>& at,
                           const std::optional<inspect::postgres_limits>& told) {
    psql_access to;
    if (!at) return to;
    for (const auto& [keyword, value] : at->connection) {
        if (keyword == "host" || (keyword == "hostaddr" && to.host.empty())) to.host = value;
        if (keyword == "port") to.port = value;
    }
    if (told && told->is_superuser) to.superuser = told->role;
    return to;
}

std::vector<fact> facts_of(const inspect::postgres_limits& told) {
    const auto least = inspect::tightest(told);
    const auto bounds = inspect::bounds_of(told);
    std::vector<fact> all{
        {"max_connections", fmt::format("{}", told.max_connections),
         told.is_rds ? std::string("set by the parameter group")
                     : fmt::format("from: {}", told.max_connections_source)},
        {"reserved", fmt::format("{}", told.reserved()),
         told.reserved() == told.reserved_superuser
             ? std::string("superuser_reserved_connections")
             : fmt::format("superusers {}, roles {}, provider {}", told.reserved_superuser,
                           told.reserved_role.value_or(0), told.reserved_provider.value_or(0))}};
    for (const auto& bound : bounds) {
        if (bound.name == "server") continue;
        all.push_back({fmt::format("limit of {} {}", bound.name,
                                   bound.name == "role" ? told.role : told.database),
                       fmt::format("{}", bound.limit.server->value()),
                       fmt::format("{} in use; CONNECTION LIMIT", bound.limit.in_use->value())});
    }
    all.push_back({"sessions", fmt::format("{}", told.sessions), "without this command's own"});
    all.push_back({"usable", fmt::format("{}", budget::usable(least.limit)->value()),
                   bounds.size() == 1
                       ? std::string()
                       : fmt::format("the {}'s limit has the least room", least.name)});
    return all;
}

json::object to_json(const inspect::postgres_limits& told) {
    const auto least = inspect::tightest(told);
    return {{"max_connections", told.max_connections},
            {"source", told.is_rds ? "parameter group" : told.max_connections_source},
            {"reserved", told.reserved()},
            {"role", told.role},
            {"role_limit", or_null(told.role_limit)},
            {"database", told.database},
            {"database_limit", or_null(told.database_limit)},
            {"sessions", told.sessions},
            {"tightest", least.name},
            {"usable", budget::usable(least.limit)->value()},
            {"shared_buffers_bytes", told.shared_buffers_bytes},
            {"work_mem_bytes", told.work_mem_bytes}};
}

// Fills in what the server tells, or why it does not.
std::optional<inspect::postgres_limits> look(raise_case& of, const raise_options& how,
                                             const std::optional<postgres_place>& at) {
    if (!at) {
        of.findings.push_back({level::ok, "What limits it now was not asked: no Postgres is named",
                               "--postgres URL, or PGHOST, shows it."});
        return std::nullopt;
    }
    of.address = at->shown();
    auto told = ask_postgres_limits(*at, how.query.by());
    if (!told) {
        auto why = finding_of(told.error(), *at);
        why.advice.clear();  // it would be this very command
        of.findings.push_back(std::move(why));
        return std::nullopt;
    }
    of.now_heading =
        fmt::format("Postgres at {}, version {}{}", of.address,
                    told->version.substr(0, told->version.find(' ')), told->is_rds ? ", RDS" : "");
    of.now = facts_of(*told);
    of.limit_now = to_json(*told);
    return std::move(*told);
}

std::string family_of(const std::optional<inspect::postgres_limits>& told) {
    if (!told) return std::string(unknown_family);
    return "postgres" + told->version.substr(0, told->version.find_first_not_of("0123456789"));
}

void add_rds_steps(raise_case& to, const raise_options& how,
                   const std::optional<inspect::postgres_limits>& told) {
    rds_names names;
    if (!to.id.empty()) names.instance = to.id;
    names.family = family_of(told);
    if (!told || told->max_connections < *to.wanted) {
        to.steps = rds_steps(names, *to.wanted, how.aws);
        to.steps_if_default_group = rds_own_group_steps(names, *to.wanted, how.aws);
    }
    if (to.id.empty())
        to.notes.emplace_back("INSTANCE is the instance's identifier: --rds ID writes it in.");
    to.notes.emplace_back(
        "Aurora: the instance's group wins over the cluster's. Where all instances of a cluster "
        "shall have it, set it in the cluster's group (aws rds modify-db-cluster-parameter-group) "
        "and reboot each of them, readers too.");
}

// A server whose command line says it takes no notice of ALTER SYSTEM.
step by_hand(std::uint64_t wanted) {
    return {
        .title = fmt::format("Set max_connections to {} where the server is started", wanted),
        .command = {},
        .does = effect::changes,
        .note = fmt::format("It is given there as -c max_connections=..., which wins over ALTER "
                            "SYSTEM: postgres ... -c max_connections={}",
                            wanted)};
}

void add_self_managed_steps(raise_case& to, const psql_access& with,
                            const std::optional<inspect::postgres_limits>& told) {
    if (told && told->max_connections >= *to.wanted) return;
    to.steps = postgres_steps(with, told ? std::string_view(told->version) : std::string_view(),
                              *to.wanted);
    if (told && told->max_connections_source == "command line") to.steps[1] = by_hand(*to.wanted);
}

void add_chatd_steps(raise_case& to) {
    to.steps.push_back(
        {.title = "Give chatd more room in its settings, and restart it",
         .command = {},
         .does = effect::restarts,
         .note = "chatd starts this server with as many connections as its own settings can use, "
                 "and 100 at least: raise PGPOOL_MAX_SIZE or processes_per_instance. ALTER SYSTEM "
                 "would not win over its command line."});
}

void judge(raise_case& of, const raise_options& how,
           const std::optional<inspect::postgres_limits>& told) {
    if (told && told->max_connections >= *of.wanted) {
        of.findings.push_back(
            {level::ok,
             fmt::format("{}: max_connections is {} already",
                         of.steps.empty() ? "Nothing to raise" : "The server itself has room",
                         told->max_connections),
             {}});
        of.is_settled = true;
        return;
    }
    if (of.target != raise_target::rds || how.is_applied) return;
    if (how.rds_class.empty()) {
        of.findings.push_back({level::ok, "Whether the instance class has the memory was not asked",
                               "--rds-class db.m6g.large tells; --apply asks RDS."});
    } else {
        auto memory = judge_rds_class(how.rds_class, *of.wanted,
                                      of.id.empty() ? unknown_instance : std::string_view(of.id));
        if (memory.how == level::ok && memory.advice.empty() && !told)
            memory.advice =
                "A group that leaves max_connections to the default gives that already.";
        of.findings.push_back(std::move(memory));
    }
}

}  // namespace

std::expected<raise_case, std::string> postgres_case(const raise_options& how, const servers& at) {
    if (!at.postgres && how.rds.empty()) {
        return std::unexpected(no_servers_sentence() +
                               ", or name the instance for which the steps are: --rds ID");
    }
    raise_case made;
    made.server = "Postgres";
    made.parameter = "max_connections";
    made.id = how.rds;
    made.wanted = how.to;
    auto told = look(made, how, at.postgres);
    if (told && !told->is_rds && !how.rds.empty()) {
        made.findings.push_back({level::warning,
                                 fmt::format("Postgres at {} is no RDS, so it is not {}: what it "
                                             "says is left out",
                                             made.address, how.rds),
                                 "Name the instance's endpoint: --postgres URL"});
        made.now.clear();
        made.limit_now = nullptr;
        told.reset();
    }
    const bool is_rds = !how.rds.empty() || (told && told->is_rds);
    made.target = is_rds                                      ? raise_target::rds
                  : at.postgres && at.postgres->is_of_chatd() ? raise_target::chatd
                                                              : raise_target::self_managed;
    made.memory = postgres_memory(
        how.to, told ? std::optional(told->max_connections) : std::nullopt, told, is_rds);
    if (!how.to) {
        made.notes.emplace_back(
            is_rds
                ? "max_connections is a parameter of the DB parameter group; a new value takes a "
                  "reboot. The steps: --to N"
                : "max_connections is read at the server's start; a new value takes a restart. "
                  "The steps: --to N");
        return made;
    }
    const auto with = psql_access_of(at.postgres, told);
    if (made.target == raise_target::rds) add_rds_steps(made, how, told);
    if (made.target == raise_target::self_managed) add_self_managed_steps(made, with, told);
    if (made.target == raise_target::chatd && (!told || told->max_connections < *how.to))
        add_chatd_steps(made);
    if (told) {
        for (auto& lift : connection_limit_steps(with, *told, *how.to))
            made.steps.push_back(std::move(lift));
    }
    judge(made, how, told);
    return made;
}

}  // namespace headroom::tool
