// SPDX-License-Identifier: Apache-2.0
// A connection string of libpq, "postgresql://..." or "host=... dbname=...", as keywords and
// values. https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace headroom::postgres {

// Only what the string names. The error repeats no part of it, as any may be a password:
// bad_settings.
[[nodiscard]] result<std::vector<std::pair<std::string, std::string>>> parse_conninfo(
    const std::string& text);

}  // namespace headroom::postgres
