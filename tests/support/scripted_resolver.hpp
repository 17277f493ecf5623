// SPDX-License-Identifier: Apache-2.0
// Answers of a test's own to look-ups of names: a test binary that links this has its getaddrinfo()
// here. Names it was not told go to the system's resolver.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headroom::test {

// From now on `name` has these addresses ("127.0.0.2"), in this order. From any thread.
void resolve_to(const std::string& name, std::vector<std::string> addresses);
// How often it was looked up.
[[nodiscard]] std::size_t lookups_of(const std::string& name);

}  // namespace headroom::test
