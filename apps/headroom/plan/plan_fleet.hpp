// SPDX-License-Identifier: Apache-2.0
// The fleet that a plan is made for, each value with who gave it: flags, a gateway document, the
// running service, or the environment. Asks nobody; limits are in plan_servers.hpp.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "budget/fleet.hpp"
#include "config/load.hpp"
#include "headroom/show/finding.hpp"
#include "inspect/service_status.hpp"

namespace CLI {
class App;
}

namespace headroom::tool {

struct fleet_flags {
    std::string config_file = {};  // a gateway document; empty: not given
    std::string service = {};      // empty: not given
    std::optional<std::uint64_t> instances = {};
    std::optional<std::uint64_t> workers = {};
    std::string redis_max = {};  // a number or "unset"; empty: not given
    std::optional<std::uint64_t> pg_max = {};
    std::optional<std::uint64_t> executors = {};
    std::optional<std::uint64_t> surge = {};
    bool sentinel = false;
    std::optional<std::uint64_t> migrations = {};
    std::optional<std::uint64_t> pg_operators = {};
    std::optional<std::uint64_t> redis_operators = {};
    std::optional<std::uint64_t> replicas = {};

    void add_to(CLI::App& command);
};

// What a running chatd said, and where.
struct running_service {
    inspect::service_status status;
    std::string from;  // "chatd at http://127.0.0.1:8011"
};

// One value of the fleet, by the name that documents and tables give it.
struct fleet_value {
    std::string_view key;  // of JSON: "workers_per_instance"
    std::string_view name;
    std::optional<std::uint64_t> value;  // empty: unset, unbounded
    bool is_always_shown;                // else only where somebody gave it
};

struct planned_fleet {
    std::string service;  // the first part of its connections' names
    budget::fleet counts;
    std::map<std::string_view, std::string> sources;  // by key; missing: nobody gave it

    [[nodiscard]] std::vector<fleet_value> values() const;
    [[nodiscard]] std::string source(std::string_view key) const;
    [[nodiscard]] bool is_given_by_flag(std::string_view key) const;
};

// Without --config, what the running service says wins over the environment. `notes` gets what an
// operator should know. The error is for people, and whole.
[[nodiscard]] std::expected<planned_fleet, std::string> plan_fleet(
    const fleet_flags& flags, const std::optional<running_service>& running,
    const config::sources& from, std::vector<finding>& notes);

}  // namespace headroom::tool
