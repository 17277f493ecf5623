// SPDX-License-Identifier: Apache-2.0
// What the aws program prints with --output json, as far as raising a limit needs it. Pure; the
// errors are sentences.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::tool {

struct aws_caller {
    std::string account;
    std::string arn;
};

struct rds_instance {
    std::string id;
    std::string arn;
    std::string status;  // "available", "rebooting", ...
    std::string instance_class;
    std::string engine;
    std::string version;
    std::string cluster;       // of Aurora; may be empty
    std::string group;         // the parameter group
    std::string group_status;  // "in-sync", "pending-reboot", "applying"
};

struct cache_state {
    std::string arn;
    std::string status;
    std::string node_type;
    std::string member_of;  // the replication group that a cluster belongs to; may be empty
};

[[nodiscard]] std::expected<aws_caller, std::string> parse_caller(std::string_view text);
[[nodiscard]] std::expected<std::vector<rds_instance>, std::string> parse_rds_instances(
    std::string_view text);
// The value of the one parameter that was asked for; empty when it has none.
[[nodiscard]] std::expected<std::optional<std::string>, std::string> parse_rds_parameter(
    std::string_view text);
// Of describe-replication-groups, or of describe-cache-clusters, for one id.
[[nodiscard]] std::expected<cache_state, std::string> parse_cache(std::string_view text);

// The fourth part of "arn:aws:rds:eu-west-1:...": where the thing really is.
[[nodiscard]] std::string region_of(std::string_view arn);

}  // namespace headroom::tool
