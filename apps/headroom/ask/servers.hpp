// SPDX-License-Identifier: Apache-2.0
// Where the servers and the service are: from flags, else from the environment, else from the
// run.json of a chatd with servers of its own. Asks nobody anything.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/load.hpp"
#include "headroom/ask/query_options.hpp"
#include "redis/endpoint.hpp"

namespace headroom::tool {

using postgres_parameters = std::vector<std::pair<std::string, std::string>>;

struct redis_place {
    redis::endpoint where;
    std::string from;  // "--redis", "REDIS_URL", "/var/lib/headroom/run.json"

    // "10.0.0.5:6379", a socket's path; never a password.
    [[nodiscard]] std::string shown() const;
    // A chatd on this host brought it.
    [[nodiscard]] bool is_of_chatd() const { return from.ends_with("run.json"); }
};

struct postgres_place {
    postgres_parameters connection;
    std::string from;

    // "db1:5432", a socket's folder, "the default socket"; never a password.
    [[nodiscard]] std::string shown() const;
    [[nodiscard]] bool is_local_socket() const;
    // A chatd on this host brought it.
    [[nodiscard]] bool is_of_chatd() const { return from.ends_with("run.json"); }
};

struct servers {
    std::optional<redis_place> redis;
    std::optional<postgres_place> postgres;
    std::optional<std::string> admin_url;
    std::string admin_from;

    // "chatd at http://127.0.0.1:8011"; never a password.
    [[nodiscard]] std::string shown_chatd() const;
};

// Given flags name all there is to ask: the rest is not looked for. Without any, what the
// environment names, and of run.json what it does not. Neither: an empty `servers`. The error is
// for people, whole, and names what was wrong.
[[nodiscard]] std::expected<servers, std::string> find_servers(const query_options& flags,
                                                               const config::sources& from);

// The same for a command that can do nothing without a Redis or a Postgres: neither is an error
// too.
[[nodiscard]] std::expected<servers, std::string> find_some_server(const query_options& flags,
                                                                   const config::sources& from);

// The sentence for when nothing was found.
[[nodiscard]] std::string no_servers_sentence();

}  // namespace headroom::tool
