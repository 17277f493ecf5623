// SPDX-License-Identifier: Apache-2.0
// From the environment and the gateway document to settings, or to every fault at once.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string>

#include "base/error.hpp"
#include "config/fault.hpp"
#include "config/settings.hpp"

namespace headroom::config {

using environment = std::map<std::string, std::string, std::less<>>;

// Everything a configuration depends on, as values: tests need no setenv and no files.
struct sources {
    environment variables;
    std::string host_name;  // stands in for INSTANCE_ID and HOSTNAME when both are unset
    std::function<result<std::string>(const std::string& path)> read_file;  // for GATEWAY_YAML_PATH
};

// Those of this process. Reads the environment; call it once, before any thread is started.
[[nodiscard]] sources process_sources();

[[nodiscard]] std::expected<settings, faults> load(const sources& from);

}  // namespace headroom::config
