// SPDX-License-Identifier: Apache-2.0
// Read-only questions to a Postgres server on one session of their own. For the operator's tool:
// blocking, one thread. Judges nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "inspect/core/holder.hpp"
#include "inspect/core/postgres_limits.hpp"

namespace headroom::inspect {

class postgres_server {
public:
    // libpq keywords and values. The session's application_name is own_name(). The error of a
    // server at its limit is is_full().
    [[nodiscard]] static result<postgres_server> open(
        std::vector<std::pair<std::string, std::string>> connection, deadline by);
    postgres_server(postgres_server&&) noexcept;
    ~postgres_server();

    [[nodiscard]] result<postgres_limits> limits(deadline by);
    // Every client session but this one. Of those that the role may not see, state is "hidden".
    [[nodiscard]] result<void> sessions(const std::function<void(const holder&)>& each,
                                        deadline by);

private:
    struct state;
    explicit postgres_server(std::unique_ptr<state> opened);
    std::unique_ptr<state> state_;
};

// The server refused us because it has no place left for our role: SQLSTATE 53300.
[[nodiscard]] bool is_postgres_full(const error& why);

}  // namespace headroom::inspect
