// SPDX-License-Identifier: Apache-2.0
// Connections for tests: a fleet small enough to count by hand, and one made by chance.
#pragma once

#include <random>
#include <string>

#include "headroom/holders/holders_report.hpp"

namespace headroom::tool {

inline inspect::holder holder_named(const std::string& name,
                                    inspect::server_kind server = inspect::server_kind::redis) {
    return {.server = server,
            .name = name,
            .ours = parse_client_name(name),
            .address = "10.0.0.1",
            .user = "app",
            .state = "idle",
            .last_command = {}};
}

inline holders_report report_of(const std::vector<inspect::holder>& all,
                                std::vector<inspect::group_field> by) {
    holders_report report{.groups = inspect::holder_groups(std::move(by)),
                          .findings = {},
                          .has_redis = true,
                          .has_postgres = true};
    for (const auto& one : all)
        report.groups.add(one);
    return report;
}

inline std::vector<inspect::holder> some_holders(std::mt19937& chance, std::size_t count) {
    const std::string kinds[]{"async", "async_decode", "sync", "pg"};
    std::vector<inspect::holder> all;
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_redis = chance() % 2 == 0;
        auto name =
            "svc" + std::string(chance() % 20, 'x') + ":host-" + std::to_string(chance() % 9) +
            ".example:" + std::to_string(1 + chance() % 4194304) + ":" + kinds[chance() % 4];
        if (chance() % 5 == 0) name = std::string(chance() % 60, 'f');
        auto one = holder_named(
            name, is_redis ? inspect::server_kind::redis : inspect::server_kind::postgres);
        one.address = std::to_string(chance() % 256) + ".100.100.100";
        one.user = std::string(chance() % 40, 'u');
        one.state = chance() % 2 == 0 ? "idle" : "idle in transaction (aborted)";
        one.age = inspect::seconds(chance() % 10'000'000);
        one.idle = inspect::seconds(chance() % 10'000'000);
        if (chance() % 3 == 0) one.idle_in_transaction_for = inspect::seconds(chance() % 100'000);
        one.output_bytes = chance() % 4 == 0 ? chance() : 0;
        one.last_command = std::string(chance() % 20, 'c');
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace headroom::tool
