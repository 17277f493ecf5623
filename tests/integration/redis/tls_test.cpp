// SPDX-License-Identifier: Apache-2.0
// TLS against a real server with a chain of its own: what is accepted, what is refused and in which
// words, and that values survive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/subscriber.hpp"
#include "support/run_on_loop.hpp"
#include "support/tls_redis.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::certificate_authority;
using test::in;
using test::run_on;
using test::tls_redis;
using test::wait_until;
using testing::HasSubstr;

constexpr const char* server_names = "DNS:cache.example,IP:127.0.0.1";

client_options options_for(endpoint server) {
    client_options options;
    options.server = std::move(server);
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::async;
    options.bounds.cap = 4;
    return options;
}

class RedisTls : public testing::Test {
protected:
    static void SetUpTestSuite() {
        authority = new certificate_authority;
        own = authority->issue("server", server_names);
    }
    static void TearDownTestSuite() { delete std::exchange(authority, nullptr); }

    static inline certificate_authority* authority = nullptr;
    static inline test::certificate own;
};

// What PING gets by either driver, and that the server is left without a connection.
struct outcomes {
    result<value> async;
    result<value> sync;
};

outcomes ping_both(tls_redis& server, const client_options& options) {
    asio::io_context loop{1};
    client async(loop.get_executor(), options);
    auto by_async = run_on(loop, async.execute(command("PING"), {async.owner("test"), in(5s)}));
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
    blocking_client sync(options);
    auto by_sync = sync.execute(command("PING"), {sync.owner("test"), in(5s)});
    EXPECT_TRUE(sync.close(in(5s)).has_value());
    EXPECT_TRUE(
        run_on(loop, wait_until([&server] { return server.client_names().empty(); }, in(5s))));
    return {std::move(by_async), std::move(by_sync)};
}

void expect_refused(const outcomes& got, redis_errc code, std::string_view words) {
    for (const auto* each : {&got.async, &got.sync}) {
        const auto* const driver = each == &got.async ? "async" : "sync";
        ASSERT_FALSE(each->has_value()) << driver;
        EXPECT_EQ(each->error().code, code) << driver << ": " << each->error().what();
        EXPECT_THAT(each->error().detail, HasSubstr(words)) << driver;
    }
}

void expect_refused(tls_redis& server, endpoint by, std::string_view words) {
    const auto began = clock::now();
    expect_refused(ping_both(server, options_for(std::move(by))), redis_errc::tls_failed, words);
    EXPECT_LT(clock::now() - began, 4s) << "nobody waits for what needs somebody to act";
}

TEST_F(RedisTls, ReachesAServerWhoseChainIsGoodByAddressAndByName) {
    tls_redis server(*authority, own);
    auto by_address = ping_both(server, options_for(server.by_tls()));
    EXPECT_EQ(by_address.async.value().text, "PONG");
    EXPECT_EQ(by_address.sync.value().text, "PONG");
    auto named = server.by_tls();
    named.tls->server_name = "cache.example";
    const auto by_name = ping_both(server, options_for(named));
    EXPECT_EQ(by_name.async.value().text, "PONG");
    EXPECT_EQ(by_name.sync.value().text, "PONG");
}

TEST_F(RedisTls, RefusesAnAuthorityItWasNotTold) {
    tls_redis server(*authority, own);
    const certificate_authority other;
    auto to = server.by_tls();
    to.tls->ca_file = other.root_file();
    expect_refused(server, to, "the authority of the server's certificate is not trusted");
    to.tls->ca_file.clear();  // the system's know nothing of ours
    expect_refused(server, to, "the authority of the server's certificate is not trusted");
}

TEST_F(RedisTls, RefusesACertificateForAnotherNameAndSaysForWhom) {
    tls_redis server(*authority, own);
    auto to = server.by_tls();
    to.tls->server_name = "other.example";
    expect_refused(server, to, "is not for other.example: it is for cache.example, 127.0.0.1");
    to.tls->server_name = "10.0.0.5";
    expect_refused(server, to, "is not for 10.0.0.5");
}

TEST_F(RedisTls, RefusesAnExpiredCertificateAndSaysSinceWhen) {
    tls_redis server(*authority, authority->issue_expired("expired", server_names));
    expect_refused(server, server.by_tls(), "has expired: its time ended Feb  1 00:00:00 2020 GMT");
}

TEST_F(RedisTls, RefusesASelfSignedCertificateUnlessItIsTheOneTrusted) {
    const auto alone = authority->self_signed("alone", server_names);
    tls_redis server(*authority, alone);
    expect_refused(server, server.by_tls(), "is self-signed");
    auto pinned = server.by_tls();
    pinned.tls->ca_file = alone.file;
    EXPECT_EQ(ping_both(server, options_for(pinned)).sync.value().text, "PONG");
    auto unverified = server.by_tls();
    unverified.tls->verifies_peer = false;
    const auto got = ping_both(server, options_for(unverified));
    EXPECT_EQ(got.async.value().text, "PONG");
    EXPECT_EQ(got.sync.value().text, "PONG");
}

TEST_F(RedisTls, ShowsItsCertificateWhereTheServerAsksAndSaysWhenItHasNone) {
    tls_redis server(*authority, own, true);
    expect_refused(server, server.by_tls(), "it asks for a client certificate");
    const auto mine = authority->issue("client", "DNS:chat");
    auto to = server.by_tls();
    to.tls->certificate_file = mine.file;
    to.tls->key_file = mine.key_file;
    const auto got = ping_both(server, options_for(to));
    EXPECT_EQ(got.async.value().text, "PONG");
    EXPECT_EQ(got.sync.value().text, "PONG");
    const certificate_authority other;
    const auto strange = other.issue("stranger", "DNS:chat");
    to.tls->certificate_file = strange.file;
    to.tls->key_file = strange.key_file;
    expect_refused(server, to, "does not know the authority of our client certificate");
}

TEST_F(RedisTls, SaysThatAPlainServerSpeaksNoTls) {
    tls_redis server(*authority, own);
    auto to = server.by_tls();
    to.port = server.port();
    auto options = options_for(to);
    options.connect_timeout = 300ms;
    asio::io_context loop{1};
    client async(loop.get_executor(), options);
    const auto late =
        run_on(loop, async.execute(command("PING"), {async.owner("test"), in(600ms)}));
    ASSERT_FALSE(late);
    EXPECT_THAT(late.error().detail, HasSubstr("it may speak no TLS on this port"));
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
    blocking_client sync(options);
    const auto late_too = sync.execute(command("PING"), {sync.owner("test"), in(600ms)});
    ASSERT_FALSE(late_too);
    EXPECT_THAT(late_too.error().detail, HasSubstr("it may speak no TLS on this port"));
    EXPECT_TRUE(sync.close(in(5s)).has_value());
    EXPECT_TRUE(
        run_on(loop, wait_until([&server] { return server.client_names().empty(); }, in(5s))));
}

TEST_F(RedisTls, RefusesWhatIsNoTlsAnswerWithItsReason) {
    // As a plain Redis that has no place left, or a web server, would answer.
    asio::io_context loop{1};
    asio::ip::tcp::acceptor listener(loop, {asio::ip::make_address("127.0.0.1"), 0});
    const auto port = listener.local_endpoint().port();
    std::jthread peer([&listener] {
        for (int i = 0; i < 2; ++i) {
            asio::ip::tcp::iostream one(listener.accept());
            one << "HTTP/1.1 400 Bad Request\r\n\r\n" << std::flush;
            std::string rest;
            while (std::getline(one, rest)) {
            }
        }
    });
    endpoint to{.host = "127.0.0.1", .port = port};
    to.tls = tls_options{.ca_file = authority->root_file()};
    client async(loop.get_executor(), options_for(to));
    const auto got = run_on(loop, async.execute(command("PING"), {async.owner("test"), in(5s)}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, redis_errc::tls_failed);
    EXPECT_THAT(got.error().detail, HasSubstr("the server speaks no TLS on this port"));
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
    blocking_client sync(options_for(to));
    const auto got_too = sync.execute(command("PING"), {sync.owner("test"), in(5s)});
    ASSERT_FALSE(got_too);
    EXPECT_THAT(got_too.error().detail, HasSubstr("the server speaks no TLS on this port"));
}

TEST_F(RedisTls, IsNotReachedPlainly) {
    tls_redis server(*authority, own);
    auto to = server.by_tls();
    to.tls.reset();
    auto options = options_for(to);
    const auto short_of = [&](auto& redis) { return call{redis.owner("test"), in(300ms)}; };
    asio::io_context loop{1};
    client async(loop.get_executor(), options);
    const auto got = run_on(loop, async.execute(command("PING"), short_of(async)));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, redis_errc::not_sent) << got.error().what();
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
    blocking_client sync(options);
    EXPECT_EQ(sync.execute(command("PING"), short_of(sync)).error().code, redis_errc::not_sent);
    EXPECT_TRUE(sync.close(in(5s)).has_value());
    EXPECT_TRUE(
        run_on(loop, wait_until([&server] { return server.client_names().empty(); }, in(5s))));
}

TEST_F(RedisTls, NamesTheFileThatCannotBeUsed) {
    tls_redis server(*authority, own);
    const auto with = [&server](auto change) {
        auto to = server.by_tls();
        change(*to.tls);
        return to;
    };
    const auto other = authority->issue("other", "DNS:chat");
    const auto empty = authority->folder() + "/empty.pem";
    std::ofstream(empty) << "nothing\n";
    const auto locked = authority->folder() + "/locked.key";
    ASSERT_EQ(std::system(("openssl pkcs8 -topk8 -v2 aes128 -passout pass:x -in " + own.key_file +
                           " -out " + locked + " 2>/dev/null")
                              .c_str()),
              0);
    expect_refused(server, with([](auto& tls) { tls.ca_file = "/no/such.pem"; }),
                   "the CA file /no/such.pem cannot be read: No such file or directory");
    expect_refused(server, with([&](auto& tls) { tls.ca_file = empty; }),
                   "empty.pem holds no certificate in PEM");
    expect_refused(server, with([&](auto& tls) { tls.certificate_file = own.file; }),
                   "only the certificate is named");
    expect_refused(server, with([&](auto& tls) {
                       tls.certificate_file = own.file;
                       tls.key_file = other.key_file;
                   }),
                   "does not belong to the certificate");
    expect_refused(server, with([&](auto& tls) {
                       tls.certificate_file = own.file;
                       tls.key_file = locked;
                   }),
                   "is encrypted: store it without a passphrase");
    expect_refused(server, with([&](auto& tls) {
                       tls.certificate_file = own.file;
                       tls.key_file = empty;
                   }),
                   "is no private key in PEM");
}

TEST_F(RedisTls, ReadsItsFilesAgainWhenTheyHaveChanged) {
    tls_redis server(*authority, own);
    const certificate_authority other;
    const auto file = authority->folder() + "/renewed.pem";
    std::filesystem::copy_file(other.root_file(), file);
    auto options = options_for(server.by_tls());
    options.server.tls->ca_file = file;
    options.bounds.backoff_max = 50ms;
    asio::io_context loop{1};
    client redis(loop.get_executor(), options);
    const auto owner = redis.owner("test");
    const auto refused = run_on(loop, redis.execute(command("PING"), {owner, in(5s)}));
    EXPECT_EQ(refused.error().code, redis_errc::tls_failed);
    std::filesystem::copy_file(authority->root_file(), file,
                               std::filesystem::copy_options::overwrite_existing);
    bool is_in = false;
    for (const auto by = in(5s); !is_in && clock::now() < by;)
        is_in = run_on(loop, redis.execute(command("PING"), {owner, in(1s)})).has_value();
    EXPECT_TRUE(is_in);
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
}

TEST_F(RedisTls, CarriesLargeValuesBothWays) {
    tls_redis server(*authority, own);
    std::string large(8 * 1024 * 1024, '\0');
    for (std::size_t i = 0; i < large.size(); ++i)
        large[i] = static_cast<char>(i * 2654435761U >> 13);
    asio::io_context loop{1};
    client async(loop.get_executor(), options_for(server.by_tls()));
    const auto owner = async.owner("test");
    EXPECT_EQ(run_on(loop, async.execute(command("SET", "k", large), {owner, in(20s)}))->text,
              "OK");
    EXPECT_TRUE(run_on(loop, async.execute(command("GET", "k"), {owner, in(20s)}))->text == large);
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
    blocking_client sync(options_for(server.by_tls()));
    const auto thread = sync.owner("test");
    EXPECT_TRUE(sync.execute(command("GET", "k"), {thread, in(20s)})->text == large);
    EXPECT_TRUE(sync.execute(command("ECHO", large), {thread, in(20s)})->text == large);
    EXPECT_TRUE(sync.close(in(5s)).has_value());
}

asio::awaitable<void> echo_many(client& redis, pool::owner_id owner, int who, int* right) {
    for (int i = 0; i < 100; ++i) {
        auto token = std::to_string(who) + ":" + std::to_string(i) + ":" +
                     std::string(static_cast<std::size_t>(who * i % 3000), 'x');
        const auto reply = co_await redis.execute(command("ECHO", token), {owner, in(30s)});
        if (reply && reply->text == token) ++*right;
    }
}

TEST_F(RedisTls, GivesSixtyFourCallersTheirOwnReplies) {
    tls_redis server(*authority, own);
    asio::io_context loop{1};
    client redis(loop.get_executor(), options_for(server.by_tls()));
    const auto owner = redis.owner("test");
    int right = 0;
    int ended = 0;
    for (int who = 0; who < 64; ++who) {
        asio::co_spawn(loop, echo_many(redis, owner, who, &right),
                       [&ended](const std::exception_ptr&) { ++ended; });
    }
    EXPECT_TRUE(run_on(loop, wait_until([&] { return ended == 64; }, in(50s))));
    EXPECT_EQ(right, 6400);
    EXPECT_EQ(redis.lane().reconnects, 0U);
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
}

TEST_F(RedisTls, GivesEightThreadsTheirOwnReplies) {
    tls_redis server(*authority, own);
    blocking_client redis(options_for(server.by_tls()));
    const auto owner = redis.owner("test");
    std::atomic<int> right{0};
    std::vector<std::jthread> threads;
    for (int who = 0; who < 8; ++who) {
        threads.emplace_back([&, who] {
            for (int i = 0; i < 100; ++i) {
                const auto token = std::to_string(who) + ":" + std::to_string(i);
                const std::vector<command> what(3, command("ECHO", token));
                const auto replies = redis.pipeline(what, {owner, in(30s)});
                if (replies && replies->back().text == token) ++right;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(right, 800);
    EXPECT_TRUE(redis.close(in(5s)).has_value());
    EXPECT_EQ(server.client_names().size(), 0U);
}

asio::awaitable<bool> ping_on_a_lease(client& redis) {
    const call how{redis.owner("test"), in(5s)};
    auto held = co_await redis.lease(how);
    if (!held) co_return false;
    const auto reply = co_await held->execute(command("PING"), in(5s));
    co_return reply.has_value();
}

TEST_F(RedisTls, KeepsAnIdleConnectionThatHoldsMessagesOfTlsItself) {
    // The second call is given the connection of the first: is_quiet() looks at it in between.
    tls_redis server(*authority, own);
    blocking_client sync(options_for(server.by_tls()));
    const auto owner = sync.owner("test");
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(sync.execute(command("PING"), {owner, in(5s)}).has_value());
    EXPECT_EQ(sync.stats().opened, 1U);
    asio::io_context loop{1};
    client async(loop.get_executor(), options_for(server.by_tls()));
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(run_on(loop, ping_on_a_lease(async)));
    EXPECT_EQ(async.stats().opened, 1U);
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
}

TEST_F(RedisTls, DeliversMessagesToASubscriberAndAnnouncesItsGap) {
    tls_redis server(*authority, own);
    auto options = options_for(server.by_tls());
    options.has_subscriber = true;
    asio::io_context loop{1};
    client redis(loop.get_executor(), options);
    std::vector<std::string> got;
    int gaps = 0;
    int restored = 0;
    subscriber listener(redis, "relay",
                        {.on_message = [&](std::string_view,
                                           std::string_view payload) { got.emplace_back(payload); },
                         .on_gap = [&](const error&) { ++gaps; },
                         .on_restored = [&] { ++restored; }});
    ASSERT_TRUE(run_on(loop, listener.subscribe("news", in(5s))).has_value());
    const std::string large(60'000, 'n');
    (void)server.ask("PUBLISH news one");
    (void)server.ask("PUBLISH news " + large);
    EXPECT_TRUE(run_on(loop, wait_until([&] { return got.size() == 2; }, in(5s))));
    EXPECT_EQ(got.at(0), "one");
    EXPECT_TRUE(got.at(1) == large);
    (void)server.ask("CLIENT KILL TYPE pubsub");
    EXPECT_TRUE(run_on(loop, wait_until([&] { return restored == 1; }, in(10s))));
    EXPECT_EQ(gaps, 1);
    (void)server.ask("PUBLISH news again");
    EXPECT_TRUE(run_on(loop, wait_until([&] { return got.size() == 3; }, in(5s))));
    run_on(loop, listener.stop(in(5s)));
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
    EXPECT_TRUE(server.client_names().empty());
}

}  // namespace
}  // namespace headroom::redis
