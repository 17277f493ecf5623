// SPDX-License-Identifier: Apache-2.0
// One connection as the server that serves it tells it: a client of CLIENT LIST, or a session of
// pg_stat_activity. Not how either is asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/client_name.hpp"

namespace headroom::inspect {

using std::chrono::seconds;

enum class server_kind : std::uint8_t { redis, postgres };

// Whose a connection is, by its name: of our form, named otherwise, or not named at all. A group
// may hold several: mixed.
enum class name_origin : std::uint8_t { ours, foreign, unnamed, mixed };

[[nodiscard]] std::string_view to_string(server_kind server);
[[nodiscard]] std::string_view to_string(name_origin origin);

struct holder {
    server_kind server = server_kind::redis;
    std::string name;                      // as the server tells it
    std::optional<client_name> ours = {};  // `name`, where it is of our form
    std::string address;                   // host without port; "local" through a unix socket
    std::string user;                      // ACL user or role
    // Redis: normal, blocked, pubsub, replica, monitor, multi. Postgres: its own words, "idle in
    // transaction", and "hidden" where the asking role may not see them.
    std::string state;
    seconds age{0};
    seconds idle{0};                                      // since the last command
    std::optional<seconds> idle_in_transaction_for = {};  // Postgres
    std::uint64_t output_bytes = 0;                       // Redis: waiting to be read by the client
    std::string last_command;                             // its name only: arguments may be private

    [[nodiscard]] name_origin origin() const {
        if (ours) return name_origin::ours;
        return name.empty() ? name_origin::unnamed : name_origin::foreign;
    }
};

}  // namespace headroom::inspect
