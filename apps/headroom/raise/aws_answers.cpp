// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/aws_answers.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace headroom::tool {
namespace {

namespace json = boost::json;

std::expected<json::value, std::string> parsed(std::string_view text) {
    boost::system::error_code fault;
    auto value = json::parse(text, fault);
    if (fault) return std::unexpected("the aws program printed no JSON");
    return value;
}

std::expected<json::object, std::string> parsed_object(std::string_view text) {
    auto value = parsed(text);
    if (!value) return std::unexpected(value.error());
    if (!value->is_object()) return std::unexpected("the aws program printed no JSON object");
    return std::move(value->get_object());
}

// Empty when it is not there, or no text.
std::string text_at(const json::object& in, std::string_view key) {
    const auto* found = in.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
}

// Null when it is not there, or no array.
const json::array* array_at(const json::object& in, std::string_view key) {
    const auto* found = in.if_contains(key);
    return found == nullptr ? nullptr : found->if_array();
}

std::unexpected<std::string> without(std::string_view key) {
    return std::unexpected(fmt::format("the aws program's answer has no {}", key));
}

rds_instance instance_of(const json::object& from) {
    rds_instance one{.id = text_at(from, "DBInstanceIdentifier"),
                     .arn = text_at(from, "DBInstanceArn"),
                     .status = text_at(from, "DBInstanceStatus"),
                     .instance_class = text_at(from, "DBInstanceClass"),
                     .engine = text_at(from, "Engine"),
                     .version = text_at(from, "EngineVersion"),
                     .cluster = text_at(from, "DBClusterIdentifier"),
                     .group = {},
                     .group_status = {}};
    const auto* groups = array_at(from, "DBParameterGroups");
    const auto* first =
        groups == nullptr || groups->empty() ? nullptr : groups->front().if_object();
    if (first == nullptr) return one;
    one.group = text_at(*first, "DBParameterGroupName");
    one.group_status = text_at(*first, "ParameterApplyStatus");
    return one;
}

}  // namespace

std::expected<aws_caller, std::string> parse_caller(std::string_view text) {
    const auto whole = parsed_object(text);
    if (!whole) return std::unexpected(whole.error());
    aws_caller caller{.account = text_at(*whole, "Account"), .arn = text_at(*whole, "Arn")};
    if (caller.arn.empty()) return without("Arn");
    return caller;
}

std::expected<std::vector<rds_instance>, std::string> parse_rds_instances(std::string_view text) {
    const auto whole = parsed_object(text);
    if (!whole) return std::unexpected(whole.error());
    const auto* listed = array_at(*whole, "DBInstances");
    if (listed == nullptr) return without("DBInstances");
    std::vector<rds_instance> all;
    for (const auto& one : *listed)
        if (const auto* object = one.if_object()) all.push_back(instance_of(*object));
    return all;
}

std::expected<std::optional<std::string>, std::string> parse_rds_parameter(std::string_view text) {
    const auto whole = parsed(text);
    if (!whole) return std::unexpected(whole.error());
    const auto* listed = whole->if_array();
    if (listed == nullptr || listed->empty() || !listed->front().is_object())
        return without("max_connections");
    auto value = text_at(listed->front().get_object(), "ParameterValue");
    return value.empty() ? std::nullopt : std::optional(std::move(value));
}

std::expected<cache_state, std::string> parse_cache(std::string_view text) {
    const auto whole = parsed_object(text);
    if (!whole) return std::unexpected(whole.error());
    const auto* groups = array_at(*whole, "ReplicationGroups");
    const auto* listed = groups != nullptr ? groups : array_at(*whole, "CacheClusters");
    if (listed == nullptr || listed->empty() || !listed->front().is_object())
        return without("ReplicationGroups or CacheClusters");
    const auto& one = listed->front().get_object();
    return cache_state{
        .arn = text_at(one, "ARN"),
        .status = text_at(one, groups != nullptr ? "Status" : "CacheClusterStatus"),
        .node_type = text_at(one, "CacheNodeType"),
        .member_of = groups != nullptr ? std::string() : text_at(one, "ReplicationGroupId")};
}

std::string region_of(std::string_view arn) {
    for (int part = 0; part < 3; ++part) {
        const auto colon = arn.find(':');
        if (colon == std::string_view::npos) return {};
        arn.remove_prefix(colon + 1);
    }
    return std::string(arn.substr(0, arn.find(':')));
}

}  // namespace headroom::tool
