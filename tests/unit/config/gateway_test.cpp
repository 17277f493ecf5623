// SPDX-License-Identifier: Apache-2.0
// The gateway document: where its keys may stand, who wins, what is refused.
#include "config/gateway_document.hpp"

#include <boost/json/serialize.hpp>

#include "config/gateway_table.hpp"
#include "configuration.hpp"

namespace headroom::config {
namespace {

environment json(std::string text) {
    return {{"GATEWAY_CONFIG_JSON", std::move(text)}};
}

environment json(std::string text, std::string role) {
    return {{"GATEWAY_CONFIG_JSON", std::move(text)}, {"CHAT_ROLE", std::move(role)}};
}

const environment yaml_file{{"GATEWAY_YAML_PATH", "gateway.yaml"}};

TEST(Gateway, ReadsEveryKeyOfTheDocument) {
    const settings of = accepted(yaml_file, R"(
tenant: acme
project_id: shop
service_capacity: {concurrent_requests_per_process: 8, processes_per_instance: 4,
                   avg_processing_time_seconds: 1.5}
pools:
  redis_max_connections: 20
  pg_pool_min_size: 1
  pg_pool_max_size: 6
limits:
  max_queue_size: 10
  max_sse_connections_per_instance: 200
  max_message_chars: 100
)");
    EXPECT_EQ(of.tenant, "acme");
    EXPECT_EQ(of.project, "shop");
    EXPECT_EQ(of.capacity.concurrent_requests_per_process, 8U);
    EXPECT_EQ(of.capacity.processes_per_instance, worker_count(4));
    EXPECT_EQ(of.capacity.avg_processing_time, std::chrono::milliseconds(1500));
    EXPECT_EQ(of.redis.connections_max, connection_count(20));
    EXPECT_EQ(of.postgres.pool_min, connection_count(1));
    EXPECT_EQ(of.postgres.pool_max, connection_count(6));
    EXPECT_EQ(of.limits.max_queue_size, 10U);
    EXPECT_EQ(of.limits.max_sse_connections_per_instance, 200U);
    EXPECT_EQ(of.limits.max_message_chars, 100U);
}

// The table writes defaults for people, settings.hpp for the compiler: they are the same.
TEST(Gateway, GivesTheSameForADefaultWrittenOut) {
    const settings unset = accepted({});
    boost::json::object document;
    for (const document_key& row : document_keys()) {
        if (!row.variable.empty()) continue;
        auto& section = document[row.section];
        if (!section.is_object()) section.emplace_object();
        section.as_object()[row.key] = std::stoi(std::string(row.default_text));
    }
    const settings of = accepted(json(boost::json::serialize(document)));
    EXPECT_EQ(of.capacity, unset.capacity);
    EXPECT_EQ(of.limits, unset.limits);
}

TEST(Gateway, PrefersTheOwnRoleToFlatKeys) {
    const std::string text = R"({"limits":{"max_queue_size":1,
        "ingress":{"max_queue_size":2},"proc":{"max_queue_size":3}}})";
    EXPECT_EQ(accepted(json(text, "ingress")).limits.max_queue_size, 2U);
    EXPECT_EQ(accepted(json(text, "proc")).limits.max_queue_size, 3U);
    EXPECT_EQ(accepted(json(text, "all")).limits.max_queue_size, 3U);
}

TEST(Gateway, TakesForAllTheIngressValueWhenProcHasNone) {
    const settings of = accepted(json(
        R"({"limits":{"ingress":{"max_sse_connections_per_instance":7},"max_queue_size":4}})"));
    EXPECT_EQ(of.limits.max_sse_connections_per_instance, 7U);
    EXPECT_EQ(of.limits.max_queue_size, 4U);
}

TEST(Gateway, AcceptsRolesAroundSectionsToo) {
    EXPECT_EQ(accepted(json(R"({"proc":{"limits":{"max_queue_size":3}}})")).limits.max_queue_size,
              3U);
    const std::string both = R"({"proc":{"limits":{"max_queue_size":3}},
                                 "limits":{"proc":{"max_queue_size":4}}})";
    EXPECT_EQ(accepted(json(both)).limits.max_queue_size, 4U);
}

TEST(Gateway, YieldsToTheEnvironment) {
    const settings of = accepted({{"GATEWAY_CONFIG_JSON",
                                   R"({"tenant":"doc","project":"doc","pools":{
                                       "redis_max_connections":20,"pg_pool_min_size":2,
                                       "pg_pool_max_size":6}})"},
                                  {"TENANT_ID", "env"},
                                  {"REDIS_MAX_CONNECTIONS", "9"},
                                  {"PGPOOL_MIN_SIZE", "1"},
                                  {"PGPOOL_MAX_SIZE", "3"}});
    EXPECT_EQ(of.tenant, "env");
    EXPECT_EQ(of.project, "doc");
    EXPECT_EQ(of.redis.connections_max, connection_count(9));
    EXPECT_EQ(of.postgres.pool_min, connection_count(1));
    EXPECT_EQ(of.postgres.pool_max, connection_count(3));
}

TEST(Gateway, PrefersJsonToYamlAndSaysSo) {
    environment both = json(R"({"tenant":"a"})");
    both.emplace("GATEWAY_YAML_PATH", "gateway.yaml");
    const settings of = accepted(both, "tenant: b");
    EXPECT_EQ(of.tenant, "a");
    EXPECT_TRUE(warns_of(of, "GATEWAY_YAML_PATH is ignored"));
}

TEST(Gateway, HandsOnToWorkersWhatItRead) {
    const settings of = accepted(yaml_file, "limits: {max_queue_size: 12}");
    EXPECT_EQ(of.gateway_json, R"({"limits":{"max_queue_size":12}})");
    EXPECT_EQ(accepted(json(of.gateway_json)).limits.max_queue_size, 12U);
}

TEST(Gateway, WarnsOfUnknownKeysWhereverTheyStand) {
    const settings of = accepted(json(R"({"rate_limits":{},"limits":{"max_queue":1,
        "proc":{"colour":2}},"proc":{"tenant":"x","pools":{"size":3}}})"));
    for (const char* key : {" rate_limits is", " limits.max_queue is", " limits.proc.colour is",
                            " proc.tenant is", " proc.pools.size is"}) {
        EXPECT_TRUE(warns_of(of, key)) << key;
    }
    EXPECT_EQ(of.tenant, "home");
}

TEST(Gateway, WarnsOfNothingInADocumentItKnows) {
    const settings of = accepted(json(R"({"tenant_id":"a","pools":{"redis_max_connections":2,
        "proc":{"pg_pool_max_size":2}},"ingress":{"limits":{"max_queue_size":2}}})"));
    EXPECT_EQ(of.warnings, names{});
}

TEST(Gateway, RefusesWrongTypesAndRangesByPath) {
    EXPECT_EQ(fault_names(json(R"({"tenant":5,"service_capacity":{
                  "processes_per_instance":0,"concurrent_requests_per_process":"5",
                  "avg_processing_time_seconds":-1},
                  "pools":{"proc":{"pg_pool_max_size":2.5},"redis_max_connections":true},
                  "limits":[]})")),
              (names{"tenant", "service_capacity.concurrent_requests_per_process",
                     "service_capacity.processes_per_instance",
                     "service_capacity.avg_processing_time_seconds", "pools.redis_max_connections",
                     "pools.proc.pg_pool_max_size", "limits"}));
}

TEST(Gateway, RefusesABadValueOfTheRoleThatIsNotRun) {
    EXPECT_EQ(fault_names(json(R"({"limits":{"proc":{"max_queue_size":-1}}})", "ingress")),
              names{"limits.proc.max_queue_size"});
}

TEST(Gateway, ForgetsAGoodValueOfTheRoleThatIsNotRun) {
    const settings of = accepted(json(R"({"pools":{"proc":{"pg_pool_max_size":9}}})", "ingress"));
    EXPECT_EQ(of.postgres.pool_max, connection_count(5));
    const auto row = std::ranges::find(of.resolved, "PGPOOL_MAX_SIZE", &resolved_setting::name);
    EXPECT_EQ(row->from, origin::built_in);
}

TEST(Gateway, TakesNullForUnset) {
    const settings of = accepted(json(R"({"tenant":null,"pools":null,
        "limits":{"max_queue_size":null}})"));
    EXPECT_EQ(of.tenant, "home");
    EXPECT_EQ(of.limits.max_queue_size, 1000U);
}

TEST(Gateway, ChecksTheNeedOfRedisAndNamesTheKey) {
    EXPECT_EQ(fault_names(json(R"({"pools":{"proc":{"redis_max_connections":1}}})")),
              names{"pools.proc.redis_max_connections"});
}

TEST(Gateway, ChecksTheFloorAndNamesTheKey) {
    EXPECT_EQ(fault_names(json(R"({"pools":{"pg_pool_min_size":7}})")),
              names{"pools.pg_pool_min_size"});
}

TEST(Gateway, AddsNoFaultThatFollowsFromAnother) {
    EXPECT_EQ(fault_names(json(R"({"pools":{"pg_pool_min_size":7,"pg_pool_max_size":"x"}})")),
              names{"pools.pg_pool_max_size"});
    environment broken = json("{");
    broken.emplace("PGPOOL_MIN_SIZE", "7");
    EXPECT_EQ(fault_names(broken), names{"GATEWAY_CONFIG_JSON"});
}

TEST(Gateway, RefusesWhatIsNoDocument) {
    for (const char* text : {"{", "[]", "5", "null", "{} {}", "\"x\"", "{\"a\":\"\xFF\"}"}) {
        EXPECT_EQ(fault_names(json(text)), names{"GATEWAY_CONFIG_JSON"}) << text;
    }
    for (const char* text : {"- a", "a: [", "\t", "~", "a: 1\na: 2", "? [a]\n: b", "a: &x [*x]"}) {
        EXPECT_EQ(fault_names(yaml_file, text), names{"GATEWAY_YAML_PATH"}) << text;
    }
}

TEST(Gateway, RefusesAFileThatCannotBeRead) {
    EXPECT_EQ(fault_names(yaml_file), names{"GATEWAY_YAML_PATH"});
}

TEST(Gateway, BoundsSizeDepthAndAliases) {
    std::string deep;
    for (int i = 0; i < 40; ++i)
        deep += "{\"a\":";
    deep += "1" + std::string(40, '}');
    EXPECT_EQ(fault_names(json(deep)), names{"GATEWAY_CONFIG_JSON"});
    EXPECT_EQ(fault_names(yaml_file, deep), names{"GATEWAY_YAML_PATH"});
    EXPECT_EQ(fault_names(json("{}" + std::string(70'000, ' '))), names{"GATEWAY_CONFIG_JSON"});
    EXPECT_EQ(fault_names(yaml_file, "a: " + std::string(70'000, 'x')), names{"GATEWAY_YAML_PATH"});

    std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string below = "*a" + std::to_string(i - 1);
        laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
        for (int j = 0; j < 9; ++j)
            laughs += "," + below;
        laughs += "]\n";
    }
    EXPECT_EQ(fault_names(yaml_file, laughs), names{"GATEWAY_YAML_PATH"});
}

TEST(GatewayYaml, KnowsTextFromNumbers) {
    const auto tree = parse_gateway_yaml(
        "a: 5\nb: '5'\nc: 0.5\nd: true\ne: ~\nf: +7\ng: 5s\nh: .inf\ni: nan\nj: -2\nk: !!str 5");
    ASSERT_TRUE(tree) << tree.error();
    EXPECT_EQ(boost::json::value(*tree), boost::json::value({{"a", 5},
                                                             {"b", "5"},
                                                             {"c", 0.5},
                                                             {"d", true},
                                                             {"e", nullptr},
                                                             {"f", 7},
                                                             {"g", "5s"},
                                                             {"h", ".inf"},
                                                             {"i", "nan"},
                                                             {"j", -2},
                                                             {"k", "5"}}));
}

TEST(GatewayYaml, SaysWhereItBreaks) {
    const auto tree = parse_gateway_yaml("a: 1\nb: [2\n");
    ASSERT_FALSE(tree);
    EXPECT_TRUE(tree.error().starts_with("line ")) << tree.error();
}

}  // namespace
}  // namespace headroom::config
