// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/raise_memory.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "budget/instance_classes.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

// How many connections the memory is for.
std::uint64_t more_of(std::optional<std::uint64_t> wanted, std::optional<std::uint64_t> present) {
    if (!wanted) return 1;
    return *wanted - std::min(*wanted, present.value_or(0));
}

std::string heading_of(std::optional<std::uint64_t> wanted, std::optional<std::uint64_t> present,
                       std::string_view one) {
    if (!wanted) return fmt::format("What one more {} needs", one);
    const auto more = more_of(wanted, present);
    return present ? fmt::format("What {} more need, from {} to {}", count_of(more, one), *present,
                                 *wanted)
                   : fmt::format("What {} need", count_of(*wanted, one));
}

}  // namespace

memory_need postgres_memory(std::optional<std::uint64_t> wanted,
                            std::optional<std::uint64_t> present,
                            const std::optional<inspect::postgres_limits>& told, bool is_rds) {
    const auto more = more_of(wanted, present);
    memory_need need;
    need.heading = heading_of(wanted, present, "session");
    need.facts = {{"when fresh", bytes_to_words(more * session_bytes_fresh), "about 2 MB each"},
                  {"after work",
                   fmt::format("{} to {}", bytes_to_words(more * session_bytes_worked),
                               bytes_to_words(more * session_bytes_worked_most)),
                   "5 to 14 MB: catalogue cache, statements"}};
    need.as_json = {{"connections", more},
                    {"fresh_bytes", more * session_bytes_fresh},
                    {"worked_bytes", more * session_bytes_worked},
                    {"worked_bytes_most", more * session_bytes_worked_most},
                    {"sort_bytes", nullptr},
                    {"shared_buffers_bytes", nullptr},
                    {"rds_allowance_bytes", nullptr}};
    if (told) {
        need.facts.push_back({"a sort in each", bytes_to_words(more * told->work_mem_bytes),
                              fmt::format("work_mem, {}, for each sort or hash",
                                          bytes_to_words(told->work_mem_bytes))});
        need.facts.push_back(
            {"shared_buffers", bytes_to_words(told->shared_buffers_bytes), "unchanged"});
        need.as_json["sort_bytes"] = more * told->work_mem_bytes;
        need.as_json["shared_buffers_bytes"] = told->shared_buffers_bytes;
    } else {
        need.facts.push_back(
            {"a sort in each", fmt::format("{} x work_mem", more), "for each sort or hash"});
        need.facts.push_back({"shared_buffers", "unchanged", {}});
    }
    if (is_rds) {
        const auto all = wanted.value_or(1);
        need.facts.push_back(
            {"RDS's allowance", bytes_to_words(all * budget::rds_bytes_per_connection),
             fmt::format("{} bytes for each of all {}", budget::rds_bytes_per_connection, all)});
        need.as_json["rds_allowance_bytes"] = all * budget::rds_bytes_per_connection;
    }
    return need;
}

memory_need redis_memory(std::optional<std::uint64_t> wanted,
                         std::optional<std::uint64_t> present) {
    const auto more = more_of(wanted, present);
    memory_need need;
    need.heading = heading_of(wanted, present, "client");
    need.facts = {{"mostly idle", bytes_to_words(more * redis_client_bytes), "about 20 KB each"},
                  {"all at work", bytes_to_words(more * redis_client_bytes_at_work),
                   "two buffers of 16 KB each"},
                  {"a slow subscriber", "8 to 32 MB", "each, then its output limit ends it"},
                  {"a large reply", "its size", "until it is read: no limit by default"}};
    need.as_json = {{"connections", more},
                    {"client_bytes", more * redis_client_bytes},
                    {"client_bytes_at_work", more * redis_client_bytes_at_work}};
    return need;
}

finding judge_rds_class(std::string_view name, std::uint64_t wanted, std::string_view instance) {
    const auto present = budget::find_rds_class(name);
    if (!present) {
        return {level::ok, fmt::format("The memory of {} is not in this version's table", name),
                "Compare it with RDS' allowance above."};
    }
    const auto has = bytes_to_words(present->memory_bytes);
    if (present->max_connections.value() >= wanted) {
        return {level::ok,
                fmt::format("{} ({}) has the memory: Amazon's own default for it is about {} "
                            "(assumed)",
                            name, has, present->max_connections.value()),
                {}};
    }
    const auto family = name.substr(0, name.rfind('.'));
    const auto larger = budget::smallest_rds_class(family, connection_count(wanted));
    std::string advice =
        larger ? fmt::format(
                     "A larger instance class first: {} ({}): aws rds modify-db-instance "
                     "--db-instance-identifier {} --db-instance-class {} "
                     "--apply-immediately",
                     larger->name, bytes_to_words(larger->memory_bytes), instance, larger->name)
        : wanted > budget::rds_default_connections_max
            ? fmt::format(
                  "Amazon's default never exceeds {}: use fewer connections (headroom "
                  "plan) or a pooler.",
                  budget::rds_default_connections_max)
            : fmt::format(
                  "No class of {} would do: another family, or fewer connections "
                  "(headroom plan).",
                  family);
    // A quarter is shared_buffers on RDS; more than the rest for sessions that do nothing yet.
    const auto room = present->memory_bytes / 4 * 3;
    if (wanted > room / session_bytes_fresh) {
        return {level::critical,
                fmt::format("{} ({}) has too little memory for {} connections: an instance may not "
                            "start with such a value",
                            name, has, wanted),
                std::move(advice)};
    }
    return {level::warning,
            fmt::format("{} ({}) is small for {} connections: Amazon's own default for it is about "
                        "{} (assumed)",
                        name, has, wanted, present->max_connections.value()),
            std::move(advice)};
}

}  // namespace headroom::tool
