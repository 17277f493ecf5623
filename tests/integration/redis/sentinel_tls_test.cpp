// SPDX-License-Identifier: Apache-2.0
// rediss+sentinel://: TLS to the sentinels and to the primary that they name, verified alike.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>

#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/sentinel_locator.hpp"
#include "support/private_sentinels.hpp"
#include "support/run_on_loop.hpp"
#include "support/tls_redis.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using testing::HasSubstr;

// A primary, and a sentinel that reaches it by TLS and names its TLS port.
class SentinelTls : public testing::Test {
protected:
    [[nodiscard]] std::string sentinel_configuration() const {
        return fmt::format(
            "tls-port {}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n"
            "tls-auth-clients no\ntls-replication yes\n",
            sentinel_port, own.file, own.key_file, authority.root_file());
    }
    [[nodiscard]] client_options options(const std::string& ca_file) const {
        client_options options;
        options.server.sentinel = sentinel_options{.sentinels = {{"127.0.0.1", sentinel_port}},
                                                   .primary_name = "shop",
                                                   .username = "",
                                                   .password = ""};
        options.server.tls = tls_options{.ca_file = ca_file};
        options.identity = {"chat", "host-1", 42};
        options.bounds.cap = 2;
        return options;
    }
    [[nodiscard]] result<value> ask_on_loop(const client_options& options) {
        client redis(loop.get_executor(), options);
        auto got = run_on(
            loop, redis.execute(command("PING"), {redis.owner("test"), in(patience), false}));
        EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
        return got;
    }

    clock::duration patience = 5s;
    asio::io_context loop{1};
    test::certificate_authority authority;
    test::certificate own = authority.issue("server", "IP:127.0.0.1");
    test::tls_redis primary{authority, own};
    std::uint16_t sentinel_port = test::free_port();
    test::private_sentinel sentinel{primary.tls_port(), "", sentinel_configuration()};
};

TEST_F(SentinelTls, FindsThePrimaryByEitherDriver) {
    auto given = options(authority.root_file());
    given.kind = pool_kind::async;
    auto on_loop = ask_on_loop(given);
    ASSERT_TRUE(on_loop.has_value()) << on_loop.error().what();
    EXPECT_EQ(on_loop->text, "PONG");

    given.kind = pool_kind::sync;
    blocking_client threads(given);
    auto on_thread = threads.execute(command("PING"), {threads.owner("test"), in(5s)});
    ASSERT_TRUE(on_thread.has_value()) << on_thread.error().what();
    EXPECT_EQ(on_thread->text, "PONG");
    EXPECT_TRUE(threads.close(in(5s)).has_value());
}

TEST_F(SentinelTls, StaysWithASentinelByTls) {
    auto given = options(authority.root_file());
    given.kind = pool_kind::async;
    const auto locator = std::make_shared<sentinel_locator>(
        loop.get_executor(),
        sentinel_locator_options{
            .where = *given.server.sentinel, .tls = given.server.tls, .identity = given.identity});
    given.locator = locator;
    auto got = ask_on_loop(given);
    ASSERT_TRUE(got.has_value()) << got.error().what();
    EXPECT_EQ(sentinel.count_clients(":sentinel"), 1U);
    run_on(loop, locator->stop(in(5s)));
}

TEST_F(SentinelTls, RefusesASentinelOfAnotherAuthorityByEitherDriver) {
    patience = 1s;  // all of it: sentinels are asked again until the deadline
    const test::certificate_authority other;
    auto given = options(other.root_file());
    given.kind = pool_kind::async;
    const auto on_loop = ask_on_loop(given);
    ASSERT_FALSE(on_loop.has_value());
    EXPECT_THAT(on_loop.error().what(),
                HasSubstr("the authority of the server's certificate is not trusted"));

    given.kind = pool_kind::sync;
    blocking_client threads(given);
    const auto on_thread =
        threads.execute(command("PING"), {threads.owner("test"), in(patience), false});
    ASSERT_FALSE(on_thread.has_value());
    EXPECT_THAT(on_thread.error().what(),
                HasSubstr("the authority of the server's certificate is not trusted"));
    EXPECT_EQ(primary.count_clients("chat:host-1:42:async"), 0U);
    EXPECT_TRUE(threads.close(in(5s)).has_value());
}

}  // namespace
}  // namespace headroom::redis
