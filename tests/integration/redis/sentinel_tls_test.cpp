// SPDX-License-Identifier: Apache-2.0
// rediss+sentinel://: TLS to the sentinels and to the primary that they name, verified alike. None
// of them has a plain port, so that one byte without TLS is a failure.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

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

constexpr auto distrust = "the authority of the server's certificate is not trusted";

class SentinelTls : public testing::Test {
protected:
    // It trusts the primary and the others, whoever signed `shown`, its own certificate.
    [[nodiscard]] std::unique_ptr<test::private_sentinel> start_sentinel(
        const test::certificate& shown) const {
        return std::make_unique<test::private_sentinel>(
            primary.tls_port(), "",
            fmt::format("tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n"
                        "tls-auth-clients no\n",
                        shown.file, shown.key_file, authority.root_file()));
    }
    [[nodiscard]] client_options options(std::string_view kind,
                                         const std::vector<test::private_sentinel*>& asked) const {
        client_options options;
        options.server.sentinel = sentinel_options{
            .sentinels = {}, .primary_name = "shop", .username = "", .password = ""};
        for (const auto* each : asked)
            options.server.sentinel->sentinels.push_back({"127.0.0.1", each->port()});
        options.server.tls = tls_options{.ca_file = authority.root_file()};
        options.identity = {"chat", "host-1", 42};
        options.kind = kind;
        options.bounds.cap = 2;
        return options;
    }
    [[nodiscard]] std::shared_ptr<sentinel_locator> locator_of(const client_options& options) {
        return std::make_shared<sentinel_locator>(
            loop.get_executor(), sentinel_locator_options{.where = *options.server.sentinel,
                                                          .tls = options.server.tls,
                                                          .identity = options.identity});
    }
    [[nodiscard]] result<value> ask_on_loop(const client_options& options, clock::duration within) {
        client redis(loop.get_executor(), options);
        auto got =
            run_on(loop, redis.execute(command("PING"), {redis.owner("test"), in(within), false}));
        EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
        return got;
    }
    [[nodiscard]] static result<value> ask_on_thread(const client_options& options,
                                                     clock::duration within) {
        blocking_client redis(options);
        auto got = redis.execute(command("PING"), {redis.owner("test"), in(within), false});
        EXPECT_TRUE(redis.close(in(5s)).has_value());
        return got;
    }
    static void expect_pong(const result<value>& got) {
        ASSERT_TRUE(got.has_value()) << got.error().what();
        EXPECT_EQ(got->text, "PONG");
    }
    static void expect_distrust(const result<value>& got) {
        ASSERT_FALSE(got.has_value());
        EXPECT_THAT(got.error().what(), HasSubstr(distrust));
    }

    asio::io_context loop{1};
    test::certificate_authority authority;
    test::certificate own = authority.issue("server", "IP:127.0.0.1");
    test::tls_redis primary{authority, own, false, {"--port", "0"}};
};

TEST_F(SentinelTls, FindsThePrimaryByEitherDriver) {
    const auto sentinel = start_sentinel(own);
    expect_pong(ask_on_loop(options(pool_kind::async, {sentinel.get()}), 5s));
    expect_pong(ask_on_thread(options(pool_kind::sync, {sentinel.get()}), 5s));
}

// The one that was configured tells of the other, and of the port where that speaks TLS.
TEST_F(SentinelTls, MovesByTlsToASentinelThatItWasToldOf) {
    const auto configured = start_sentinel(own);
    const auto told_of = start_sentinel(own);
    const auto know_each_other = [&] {
        return configured->ask("SENTINEL CKQUORUM shop").starts_with("+OK 2");
    };
    ASSERT_TRUE(run_on(loop, test::wait_until(know_each_other, in(20s))));
    auto given = options(pool_kind::async, {configured.get()});
    const auto locator = locator_of(given);
    given.locator = locator;
    expect_pong(ask_on_loop(given, 5s));
    EXPECT_EQ(configured->count_clients(":sentinel"), 1U);
    EXPECT_EQ(told_of->count_clients(":sentinel"), 0U);

    configured->kill();
    const auto has_moved = [&] { return told_of->count_clients(":sentinel") == 1; };
    EXPECT_TRUE(run_on(loop, test::wait_until(has_moved, in(10s))));
    expect_pong(ask_on_loop(given, 5s));
    run_on(loop, locator->stop(in(5s)));
}

TEST_F(SentinelTls, RefusesASentinelOfAnotherAuthorityByEitherDriver) {
    const test::certificate_authority other;
    const auto stranger = start_sentinel(other.issue("stranger", "IP:127.0.0.1"));
    // All of the time: sentinels are asked again until the deadline.
    expect_distrust(ask_on_loop(options(pool_kind::async, {stranger.get()}), 1s));
    expect_distrust(ask_on_thread(options(pool_kind::sync, {stranger.get()}), 1s));
    EXPECT_EQ(stranger->count_clients(":sentinel"), 0U);
    EXPECT_EQ(primary.count_clients("chat:host-1:42:async"), 0U);
    EXPECT_EQ(primary.count_clients("chat:host-1:42:sync"), 0U);
}

TEST_F(SentinelTls, TurnsFromASentinelOfAnotherAuthorityToOneThatIsTrusted) {
    const test::certificate_authority other;
    const auto stranger = start_sentinel(other.issue("stranger", "IP:127.0.0.1"));
    const auto sentinel = start_sentinel(own);
    expect_pong(ask_on_loop(options(pool_kind::async, {stranger.get(), sentinel.get()}), 5s));
    expect_pong(ask_on_thread(options(pool_kind::sync, {stranger.get(), sentinel.get()}), 5s));
}

}  // namespace
}  // namespace headroom::redis
