// SPDX-License-Identifier: Apache-2.0
// A publication on servers that would let it vanish, and what the guard costs.
#include "redis/guarded_publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;
using test::wait_until;
using testing::HasSubstr;
using testing::StartsWith;

class GuardedPublisher : public testing::Test {
protected:
    void serve(std::vector<std::string> server_options = {}, guard_options guard = {}) {
        server_ = std::make_unique<private_redis>(std::move(server_options));
        client_options options;
        options.server.unix_path = server_->unix_path();
        options.identity = {"chat", "host-1", 42};
        options.kind = pool_kind::async;
        options.bounds.cap = 4;
        redis_ = std::make_unique<client>(loop_.get_executor(), std::move(options));
        owner_ = redis_->owner("test");
        publisher_.emplace(*redis_, std::move(guard));
    }
    void TearDown() override {
        if (redis_) EXPECT_TRUE(run_on(loop_, redis_->close(in(5s))).has_value());
    }
    result<std::uint64_t> publish(clock::duration within = 5s, bool may_retry = true) {
        return run_on(loop_, publisher_->publish("news", "hello", {owner_, in(within), may_retry}));
    }
    result<value> publish_plainly() {
        return run_on(loop_,
                      redis_->execute(command("PUBLISH", "news", "hello"), {owner_, in(5s)}));
    }

    asio::io_context loop_{1};
    std::unique_ptr<private_redis> server_;
    std::unique_ptr<client> redis_;
    std::optional<guarded_publisher> publisher_;
    pool::owner_id owner_{};
};

TEST_F(GuardedPublisher, TellsHowManyHeardIt) {
    serve();
    EXPECT_EQ(publish(), 0U);
    EXPECT_EQ(publish(), 0U);
    EXPECT_THAT(server_->ask("INFO commandstats"), HasSubstr("cmdstat_publish:calls=2"));
    EXPECT_THAT(server_->ask("INFO commandstats"), HasSubstr("cmdstat_eval:calls=1"));
}

TEST_F(GuardedPublisher, IsRefusedByADemotedPrimaryWhereAPlainOneVanishes) {
    serve();
    ASSERT_TRUE(publish().has_value());
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    const auto vanished = publish_plainly();
    ASSERT_TRUE(vanished.has_value()) << "or the guard is not needed any more";
    EXPECT_EQ(vanished->integer, 0);
    const auto refused = publish(5s, false);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, redis_errc::refused);
    EXPECT_THAT(refused.error().detail, StartsWith("READONLY"));
    // Also where it has to be sent whole.
    (void)server_->ask("SCRIPT FLUSH");
    EXPECT_EQ(publish(5s, false).error().code, redis_errc::refused);

    std::thread promoting([&] { (void)server_->ask("REPLICAOF NO ONE"); });
    EXPECT_TRUE(publish(10s).has_value());
    promoting.join();
}

TEST_F(GuardedPublisher, IsHeardFromAServerOutOfMemory) {
    serve();
    (void)server_->ask("CONFIG SET maxmemory 1");
    EXPECT_EQ(publish(), 0U);
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    const auto refused = publish(5s, false);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, StartsWith("READONLY")) << "the guard holds there, too";
}

TEST_F(GuardedPublisher, IsRefusedByAPrimaryThatHasLostTheReplicasItMustHave) {
    serve();
    (void)server_->ask("CONFIG SET min-replicas-to-write 1");
    const auto refused = publish(300ms);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, redis_errc::refused);
    EXPECT_THAT(refused.error().detail, StartsWith("NOREPLICAS"));
    (void)server_->ask("CONFIG SET min-replicas-to-write 0");
    EXPECT_TRUE(publish().has_value());
}

TEST_F(GuardedPublisher, IsSentWholeAgainAfterTheServerHasForgottenScripts) {
    serve();
    ASSERT_TRUE(publish().has_value());
    (void)server_->ask("SCRIPT FLUSH");
    EXPECT_TRUE(publish().has_value());
}

TEST_F(GuardedPublisher, IsRefusedByAReplicaWithoutScriptFlagsToo) {
    serve({}, {.knows_script_flags = false, .key = "guard"});
    EXPECT_EQ(publish(), 0U);
    EXPECT_THAT(server_->ask("EXISTS guard"), StartsWith(":0"));
    (void)server_->ask("CONFIG SET maxmemory 1");
    EXPECT_EQ(publish(), 0U);
    (void)server_->ask("CONFIG SET maxmemory 0");
    const auto before = server_->ask("INFO commandstats");
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    const auto refused = publish(5s);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, redis_errc::refused) << refused.error().what();
    EXPECT_THAT(before, HasSubstr("cmdstat_publish:calls=2"));
    EXPECT_THAT(server_->ask("INFO commandstats"), HasSubstr("cmdstat_publish:calls=2"));
}

asio::awaitable<void> publish_many(client& redis, guarded_publisher* guarded, pool::owner_id owner,
                                   int count, int& done) {
    for (int i = 0; i < count; ++i) {
        const call how{owner, in(30s)};
        if (guarded != nullptr) {
            auto heard = co_await guarded->publish("news", "hello", how);
            if (heard) ++done;
        } else {
            auto heard = co_await redis.execute(command("PUBLISH", "news", "hello"), how);
            if (heard) ++done;
        }
    }
}

// The figures are in the output; the bound catches a guard that costs round trips.
TEST_F(GuardedPublisher, CostsLittleAgainstAPlainPublication) {
    serve();
    ASSERT_TRUE(publish().has_value());
    constexpr int each = 300;
    const auto rate = [&](guarded_publisher* guarded, int callers) {
        double best = 0;
        for (int round = 0; round < 3; ++round) {
            int done = 0;
            int ended = 0;
            const auto began = clock::now();
            for (int i = 0; i < callers; ++i)
                asio::co_spawn(loop_, publish_many(*redis_, guarded, owner_, each, done),
                               [&](const std::exception_ptr& thrown) {
                                   EXPECT_FALSE(thrown);
                                   ++ended;
                               });
            while (ended < callers)
                loop_.run_one_for(10s);
            const std::chrono::duration<double> took = clock::now() - began;
            EXPECT_EQ(done, callers * each);
            best = std::max(best, done / took.count());
        }
        return best;
    };
    for (const int callers : {1, 64}) {
        const auto plain = rate(nullptr, callers);
        const auto guarded = rate(&*publisher_, callers);
        std::printf("%d callers: PUBLISH %.0f/s, guarded %.0f/s (%.2f)\n", callers, plain, guarded,
                    guarded / plain);
        EXPECT_GT(guarded, plain / 10);
    }
}

}  // namespace
}  // namespace headroom::redis
