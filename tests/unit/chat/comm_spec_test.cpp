// SPDX-License-Identifier: Apache-2.0
#include "chat/sdk/comm_spec.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace headroom::chat {
namespace {

namespace json = boost::json;

comm_spec spec_of_tests() {
    return {.server = {.host = "redis.example",
                       .port = 700,
                       .unix_path = "",
                       .username = "chat",
                       .password = "s3cret \"quoted\"",
                       .database = 3},
            .name_prefix = "chat",
            .execution_id = "e-1",
            .whose = {.tenant = "home", .project = "default"},
            .session_id = "s1",
            .conversation_id = "c1",
            .turn_id = "t1"};
}

// What parsing says of the spec with one member replaced, "/redis/port" for example.
std::string fault_with(std::string_view path, json::value value) {
    auto text = to_json(spec_of_tests());
    constexpr std::string_view inner = "/redis/";
    if (path.starts_with(inner)) {
        text.at("redis").as_object()[path.substr(inner.size())] = std::move(value);
    } else {
        text[path.substr(1)] = std::move(value);
    }
    const auto read = parse_comm_spec(text);
    return read ? std::string() : read.error().detail;
}

TEST(CommSpec, ComesBackAsItWasWritten) {
    const auto spec = spec_of_tests();
    const auto line = json::serialize(to_json(spec));
    const auto read = parse_comm_spec(json::parse(line).as_object());
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_EQ(read->server.host, "redis.example");
    EXPECT_EQ(read->server.port, 700);
    EXPECT_EQ(read->server.username, "chat");
    EXPECT_EQ(read->server.password, spec.server.password);
    EXPECT_EQ(read->server.database, 3U);
    EXPECT_EQ(read->name_prefix, "chat");
    EXPECT_EQ(read->execution_id, "e-1");
    EXPECT_EQ(read->whose.tenant, "home");
    EXPECT_EQ(read->whose.project, "default");
    EXPECT_EQ(read->session_id, "s1");
    EXPECT_EQ(read->conversation_id, "c1");
    EXPECT_EQ(read->turn_id, "t1");
}

TEST(CommSpec, CarriesASocketInsteadOfAHost) {
    auto spec = spec_of_tests();
    spec.server = {.host = "", .unix_path = "/run/redis.sock", .username = "", .password = ""};
    const auto read = parse_comm_spec(to_json(spec));
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_EQ(read->server.unix_path, "/run/redis.sock");
    EXPECT_EQ(read->server.host, "");
}

TEST(CommSpec, CarriesHowTlsIsWanted) {
    auto spec = spec_of_tests();
    EXPECT_FALSE(parse_comm_spec(to_json(spec))->server.tls);
    spec.server.tls = redis::tls_options{.verifies_peer = false,
                                         .ca_file = "/etc/ca.pem",
                                         .certificate_file = "/etc/own.pem",
                                         .key_file = "/etc/own.key",
                                         .server_name = "cache.example"};
    const auto line = json::serialize(to_json(spec));
    const auto read = parse_comm_spec(json::parse(line).as_object());
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_EQ(read->server.tls, spec.server.tls);
    spec.server.tls = redis::tls_options{};
    EXPECT_EQ(parse_comm_spec(to_json(spec))->server.tls, spec.server.tls);
}

TEST(CommSpec, NamesTheMemberOfTlsThatIsWrong) {
    const json::object right{{"verify", true},
                             {"ca_file", ""},
                             {"certificate_file", ""},
                             {"key_file", ""},
                             {"server_name", ""}};
    const auto fault_of = [&right](std::string_view member, json::value value) {
        auto tls = right;
        tls[member] = std::move(value);
        return fault_with("/redis/tls", std::move(tls));
    };
    EXPECT_EQ(fault_of("ca_file", "/etc/ca.pem"), "");
    EXPECT_EQ(fault_of("ca_file", "ca.pem"), "redis.tls.ca_file must be empty or an absolute path");
    EXPECT_TRUE(fault_of("verify", 1).starts_with("redis.tls.verify must"))
        << fault_of("verify", 1);
    EXPECT_TRUE(fault_with("/redis/tls", 1).starts_with("redis.tls must be an object"));
    EXPECT_TRUE(fault_with("/redis/tls", json::object{}).starts_with("redis.tls."));
}

TEST(CommSpec, NamesTheMemberThatIsWrong) {
    EXPECT_EQ(fault_with("/redis", 1), "redis must be an object");
    EXPECT_EQ(fault_with("/redis/port", 0), "redis.port must be a whole number from 1 to 65535");
    EXPECT_EQ(fault_with("/redis/port", "6379"),
              "redis.port must be a whole number from 1 to 65535");
    EXPECT_EQ(fault_with("/redis/database", -1),
              "redis.database must be a whole number from 0 to 65535");
    EXPECT_EQ(fault_with("/redis/unix_path", "/both"),
              "redis.host must be absent beside unix_path");
    EXPECT_TRUE(fault_with("/redis/host", "a b").starts_with("redis.host must"));
    EXPECT_TRUE(fault_with("/redis/host", "").starts_with("redis.host must"));
    EXPECT_TRUE(fault_with("/execution_id", "a:b").starts_with("execution_id must be"));
    EXPECT_TRUE(fault_with("/tenant", "").starts_with("tenant must"));
    EXPECT_TRUE(fault_with("/project", "a/b").starts_with("project must be"));
    EXPECT_TRUE(fault_with("/name_prefix", "").starts_with("name_prefix must"));
    EXPECT_TRUE(fault_with("/session_id", nullptr).starts_with("session_id must be"));
    EXPECT_TRUE(fault_with("/conversation_id", "a b").starts_with("conversation_id must be"));
    EXPECT_TRUE(fault_with("/turn_id", json::string(129, 'a')).starts_with("turn_id must be"));
    EXPECT_EQ(fault_with("/turn_id", json::string(128, 'a')), "");
}

TEST(CommSpec, CarriesTheSentinels) {
    auto spec = spec_of_tests();
    spec.server.host.clear();
    spec.server.unix_path.clear();
    spec.server.sentinel = redis::sentinel_options{.sentinels = {{"a", 26379}, {"::1", 7}},
                                                   .primary_name = "shop",
                                                   .username = "",
                                                   .password = "s3cret"};
    auto text = to_json(spec);
    const auto read = parse_comm_spec(text);
    ASSERT_TRUE(read) << read.error().detail;
    ASSERT_TRUE(read->server.sentinel);
    EXPECT_EQ(read->server.sentinel->sentinels, spec.server.sentinel->sentinels);
    EXPECT_EQ(read->server.sentinel->primary_name, "shop");
    EXPECT_EQ(read->server.sentinel->password, "s3cret");
    text.at("redis").at("sentinel").at("sentinels").get_array().clear();
    EXPECT_EQ(parse_comm_spec(text).error().detail,
              "redis.sentinel.sentinels must name one at least");
}

TEST(CommSpec, ShowsNoValueInItsError) {
    const json::string overlong(9000, 'x');
    const auto said = fault_with("/redis/password", overlong);
    EXPECT_TRUE(said.starts_with("redis.password must have")) << said;
    EXPECT_EQ(said.find("xx"), std::string::npos);
    EXPECT_EQ(fault_with("/session_id", "no good").find("no good"), std::string::npos);
}

TEST(CommSpec, IsRefusedWithoutAMember) {
    for (const auto* name : {"redis", "name_prefix", "execution_id", "tenant", "project",
                             "session_id", "conversation_id", "turn_id"}) {
        auto text = to_json(spec_of_tests());
        text.erase(name);
        const auto read = parse_comm_spec(text);
        ASSERT_FALSE(read) << name;
        EXPECT_TRUE(read.error().detail.starts_with(std::string(name) + " is missing")) << name;
    }
}

}  // namespace
}  // namespace headroom::chat
