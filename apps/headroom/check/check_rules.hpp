// SPDX-License-Identifier: Apache-2.0
// The rules of headroom check: from what servers and service told to one verdict a rule. Asks
// nobody and reads no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "headroom/show/finding.hpp"
#include "inspect/core/holder.hpp"
#include "inspect/service_status.hpp"

namespace headroom::tool {

// One rule's verdict: always there, so that what was looked at can be told from what was not.
struct check {
    std::string name;  // frozen: "redis limit", "drift"
    finding found;
};

[[nodiscard]] level worst_of(const std::vector<check>& all);

struct idle_transaction {
    std::string name;
    std::chrono::seconds open_for{0};
};

// Connections as both servers counted them, in one look.
struct connection_counts {
    bool has_redis = false;  // it answered
    bool has_postgres = false;
    std::map<std::string, std::uint64_t, std::less<>> ours;  // by name
    std::uint64_t foreign = 0;
    std::uint64_t unnamed = 0;
    std::map<std::string, std::uint64_t, std::less<>> foreign_names;  // the first thousand
    std::vector<idle_transaction> idle_in_transaction;                // longer than the rule allows

    void add(const inspect::holder& one, std::chrono::seconds idle_in_transaction_max);
};

// What the service said and the servers counted at about the same time. A worker speaks once a
// second, so one look may differ for a moment without meaning anything.
struct check_look {
    std::optional<inspect::service_status> service;
    connection_counts counted;
};

// How its connections are named: service and instance as they stand there.
[[nodiscard]] std::optional<client_name> as_named(const inspect::service_status& service);

// Something in this look may be a passing moment: look again before it is believed.
[[nodiscard]] bool may_pass(const check_look& look);

struct check_bounds {
    std::chrono::seconds idle_in_transaction_max{60};
    std::optional<std::uint64_t> foreign_max;       // empty: any number is fine
    std::chrono::milliseconds silence_max{10'000};  // of a worker
};

// Only what holds in every look counts, where it may be passing. `looks` is not empty.
[[nodiscard]] std::vector<check> check_looks(const std::vector<check_look>& looks,
                                             const check_bounds& by);

}  // namespace headroom::tool
