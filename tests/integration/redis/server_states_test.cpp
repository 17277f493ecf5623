// SPDX-License-Identifier: Apache-2.0
// Every state a server can be in that makes it refuse, on a real one: what a call gets, and that
// all is as before when the state has passed. The reactions are those of core/server_reactions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/core/server_reactions.hpp"
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

constexpr auto lane_name = "chat:host-1:42:async";

client_options options_for(const private_redis& server) {
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::async;
    options.bounds.cap = 4;
    options.lane_connections_max = 1;
    return options;
}

// One server and a client on it with one connection, warm.
class ServerStates : public testing::Test {
protected:
    void serve(std::vector<std::string> server_options = {},
               const std::function<void(client_options&)>& adjust = {}) {
        server_ = std::make_unique<private_redis>(std::move(server_options));
        auto options = options_for(*server_);
        if (adjust) adjust(options);
        redis_ = std::make_unique<client>(loop_.get_executor(), std::move(options));
        owner_ = redis_->owner("test");
        ASSERT_TRUE(execute(command("SET", "before", "1")).has_value());
        ASSERT_EQ(server_->count_clients(lane_name), 1U);
    }
    // The connections come back to the number they had.
    void expect_recovered() {
        const auto reply = execute(command("SET", "after", "1"), 10s);
        EXPECT_TRUE(reply.has_value()) << reply.error().what();
        EXPECT_TRUE(run_on(
            loop_, wait_until([&] { return server_->count_clients(lane_name) == 1; }, in(5s))))
            << server_->count_clients(lane_name);
        EXPECT_EQ(redis_->stats().waiting, 0U);
        EXPECT_EQ(redis_->lane().outstanding, 0U);
    }
    void TearDown() override {
        if (redis_) EXPECT_TRUE(run_on(loop_, redis_->close(in(5s))).has_value());
    }

    result<value> execute(command what, clock::duration within = 5s) {
        return run_on(loop_, redis_->execute(std::move(what), {owner_, in(within)}));
    }
    result<value> execute_once(command what, clock::duration within = 5s) {
        return run_on(loop_, redis_->execute(std::move(what), {owner_, in(within), false}));
    }
    // The call goes on while `meanwhile` runs on this thread, once.
    result<value> execute_while(command what, clock::duration within,
                                const std::function<void()>& meanwhile) {
        std::optional<result<value>> reply;
        asio::co_spawn(
            loop_, redis_->execute(std::move(what), {owner_, in(within)}),
            [&](const std::exception_ptr&, result<value> got) { reply = std::move(got); });
        const auto before_that = in(150ms);
        while (!reply && clock::now() < before_that)
            loop_.run_one_until(before_that);
        EXPECT_FALSE(reply.has_value()) << "it should still be trying";
        meanwhile();
        const auto by = in(within + 5s);
        while (!reply && clock::now() < by)
            loop_.run_one_until(by);
        loop_.restart();
        return reply.value();
    }
    void expect_refused(const result<value>& reply, const char* word) {
        ASSERT_FALSE(reply.has_value()) << "expected " << word;
        EXPECT_EQ(reply.error().code, redis_errc::refused) << reply.error().what();
        EXPECT_THAT(reply.error().detail, StartsWith(word));
        EXPECT_NE(reaction_to(reply.error().detail), nullptr);
    }

    asio::io_context loop_{1};
    std::unique_ptr<private_redis> server_;
    std::unique_ptr<client> redis_;
    pool::owner_id owner_{};
};

TEST_F(ServerStates, LoadingIsWaitedForInsideTheDeadline) {
    serve({"--save", "", "--enable-debug-command", "yes"});
    // Long to load: 20 000 keys at 200 us each, as the server is told to pause after every few.
    (void)server_->ask("DEBUG POPULATE 20000");
    (void)server_->ask("CONFIG SET key-load-delay 100");
    (void)server_->ask("CONFIG SET loading-process-events-interval-bytes 1024");
    std::thread reloading([&] { (void)server_->ask("DEBUG RELOAD"); });
    const bool is_loading = run_on(
        loop_, wait_until([&] { return server_->ask("PING").starts_with("-LOADING"); }, in(5s)));
    EXPECT_TRUE(is_loading);
    expect_refused(execute_once(command("GET", "before")), "LOADING");
    const auto late = execute(command("GET", "before"), 300ms);
    expect_refused(late, "LOADING");
    EXPECT_THAT(late.error().detail, testing::ContainsRegex("\\(after [0-9]+ tries\\)$"));

    const auto reply = execute(command("GET", "before"), 30s);
    EXPECT_TRUE(reply.has_value()) << reply.error().what();
    if (reply) EXPECT_EQ(reply->text, "1");
    reloading.join();
    expect_recovered();
}

TEST_F(ServerStates, BusyIsWaitedForUntilTheScriptIsKilled) {
    serve({"--busy-reply-threshold", "50"});
    std::thread looping([&] { (void)server_->ask("EVAL \"while true do end\" 0"); });
    ASSERT_TRUE(run_on(
        loop_, wait_until([&] { return server_->ask("PING").starts_with("-BUSY"); }, in(5s))));
    expect_refused(execute_once(command("INCR", "n")), "BUSY");
    const auto reply =
        execute_while(command("INCR", "n"), 10s, [&] { (void)server_->ask("SCRIPT KILL"); });
    looping.join();
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    EXPECT_EQ(reply->integer, 1) << "refused calls have not run";
    expect_recovered();
}

TEST_F(ServerStates, ADemotedPrimaryIsLeftAndItsConnectionsReplaced) {
    serve();
    const auto connections_before = redis_->stats().opened;
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    expect_refused(execute_once(command("SET", "k", "v")), "READONLY");
    EXPECT_TRUE(run_on(loop_, wait_until([&] { return redis_->stats().leased == 0; }, in(5s))));
    const auto reply =
        execute_while(command("INCR", "n"), 10s, [&] { (void)server_->ask("REPLICAOF NO ONE"); });
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    EXPECT_EQ(reply->integer, 1);
    EXPECT_GT(redis_->stats().opened, connections_before) << "the name was resolved anew";
    // Once a second, not at each of the refusals.
    EXPECT_LE(redis_->stats().opened, connections_before + 3);
    expect_recovered();
}

TEST_F(ServerStates, AnIdleConnectionOfALeaseIsReplacedWithTheOthers) {
    serve();
    EXPECT_TRUE(execute(command("BLPOP", "none", "0.01")).has_value());
    EXPECT_EQ(redis_->stats().idle, 1U);
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    expect_refused(execute_once(command("SET", "k", "v")), "READONLY");
    EXPECT_EQ(redis_->stats().idle, 0U);
    (void)server_->ask("REPLICAOF NO ONE");
    expect_recovered();
}

TEST_F(ServerStates, AReplicaWithoutItsPrimaryRefusesAndRecovers) {
    serve({"--replica-serve-stale-data", "no"});
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    expect_refused(execute_once(command("GET", "before")), "MASTERDOWN");
    const auto reply = execute_while(command("GET", "before"), 10s,
                                     [&] { (void)server_->ask("REPLICAOF NO ONE"); });
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    expect_recovered();
}

TEST_F(ServerStates, TooFewReplicasRefuseWritesUntilOneIsBackAndReadsNever) {
    serve();
    (void)server_->ask("CONFIG SET min-replicas-to-write 1");
    expect_refused(execute_once(command("SET", "k", "v")), "NOREPLICAS");
    EXPECT_TRUE(execute(command("GET", "before")).has_value());
    const auto reply = execute_while(command("INCR", "n"), 10s, [&] {
        (void)server_->ask("CONFIG SET min-replicas-to-write 0");
    });
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    EXPECT_EQ(reply->integer, 1);
    expect_recovered();
}

TEST_F(ServerStates, AServerOutOfMemoryIsToldAtOnce) {
    serve();
    (void)server_->ask("CONFIG SET maxmemory-policy noeviction");
    (void)server_->ask("CONFIG SET maxmemory 1");
    const auto began = clock::now();
    expect_refused(execute(command("SET", "k", "v"), 10s), "OOM");
    EXPECT_LT(clock::now() - began, 2s) << "memory does not come back by itself";
    EXPECT_TRUE(execute(command("GET", "before")).has_value());
    (void)server_->ask("CONFIG SET maxmemory 0");
    expect_recovered();
}

TEST_F(ServerStates, AServerThatCannotSaveIsToldAtOnce) {
    serve({"--stop-writes-on-bgsave-error", "yes", "--dbfilename", "in-the-way.rdb"});
    (void)server_->ask("CONFIG SET save \"3600 1\"");
    const auto folder = std::filesystem::path(server_->unix_path()).parent_path();
    // A folder of the file's name makes every save fail, whoever the server runs as.
    std::filesystem::create_directory(folder / "in-the-way.rdb");
    std::ofstream(folder / "in-the-way.rdb" / "full") << "1";
    (void)server_->ask("BGSAVE");
    ASSERT_TRUE(run_on(
        loop_,
        wait_until(
            [&] { return server_->ask("INFO persistence").contains("rdb_last_bgsave_status:err"); },
            in(10s))));
    expect_refused(execute(command("SET", "k", "v")), "MISCONF");
    EXPECT_TRUE(execute(command("GET", "before")).has_value());
    (void)server_->ask("CONFIG SET stop-writes-on-bgsave-error no");
    expect_recovered();
}

TEST_F(ServerStates, AFullServerIsAFailedDialThatIsTriedAgain) {
    serve();
    (void)server_->ask("CLIENT KILL TYPE normal");
    std::vector<std::unique_ptr<blocking_client>> others;
    ASSERT_TRUE(run_on(loop_, wait_until([&] { return redis_->lane().reconnects == 1; }, in(5s))));
    // The one who asks the server takes the only place.
    ASSERT_THAT(server_->ask("CONFIG SET maxclients 1"), StartsWith("+OK"));
    auto options = options_for(*server_);
    options.kind = pool_kind::sync;
    blocking_client holder(options);
    ASSERT_TRUE(run_on(
        loop_,
        wait_until(
            [&] {
                return holder.execute(command("PING"), {holder.owner("test"), in(1s)}).has_value();
            },
            in(5s))));
    const auto late = execute(command("GET", "before"), 500ms);
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::not_sent);
    EXPECT_THAT(late.error().detail, HasSubstr("max number of clients reached"));
    EXPECT_GE(redis_->stats().opens_failed, 1U);
    EXPECT_LE(redis_->stats().opens_failed, 10U) << "with a pause between dials";
    EXPECT_TRUE(
        holder.execute(command("CONFIG", "SET", "maxclients", 100), {holder.owner("test"), in(1s)})
            .has_value());
    EXPECT_TRUE(holder.close(in(1s)).has_value());
    expect_recovered();
}

TEST_F(ServerStates, AForbiddenCommandIsAnErrorOfItsCallOnly) {
    serve();
    (void)server_->ask("ACL SETUSER default -incr");
    const auto reply = execute(command("INCR", "n"));
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::server_error);
    EXPECT_THAT(reply.error().detail, StartsWith("NOPERM"));
    (void)server_->ask("ACL SETUSER default +incr");
    EXPECT_EQ(execute(command("INCR", "n"))->integer, 1);
    expect_recovered();
    EXPECT_EQ(redis_->lane().reconnects, 0U);
}

TEST_F(ServerStates, ADeletedUserLosesItsConnectionsAndIsToldWhy) {
    serve({"--user", "chat", "on", ">right-one", "~*", "&*", "+@all"}, [](client_options& options) {
        options.server.username = "chat";
        options.server.password = "right-one";
    });
    (void)server_->ask("ACL DELUSER chat");
    ASSERT_TRUE(run_on(loop_, wait_until([&] { return redis_->lane().reconnects == 1; }, in(5s))));
    const auto reply = execute(command("GET", "before"), 10s);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::auth_failed);
    EXPECT_THAT(reply.error().detail, HasSubstr("WRONGPASS"));
    EXPECT_THAT(reply.error().what(), testing::Not(HasSubstr("right-one")));
    (void)server_->ask("ACL SETUSER chat on >right-one ~* &* +@all");
    // Credentials are not hammered: the pool looks again after its back-off.
    EXPECT_TRUE(run_on(loop_, wait_until([&] { return redis_->stats().waiting == 0; }, in(5s))));
    bool is_back = false;
    const auto by = in(10s);
    while (!is_back && clock::now() < by)
        is_back = execute(command("GET", "before"), 1s).has_value();
    EXPECT_TRUE(is_back);
    expect_recovered();
}

TEST_F(ServerStates, AnUnknownScriptIsAnErrorThatHasRunNothing) {
    serve();
    const auto reply = execute(command("EVALSHA", std::string(40, 'a'), 0));
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::server_error);
    EXPECT_THAT(reply.error().detail, StartsWith("NOSCRIPT"));
    expect_recovered();
}

asio::awaitable<result<std::vector<value>>> pipeline_on_lease(client& redis, pool::owner_id owner,
                                                              std::vector<command> what) {
    auto mine = co_await redis.lease({owner, in(5s)});
    if (!mine) co_return std::unexpected(mine.error());
    co_return co_await mine->pipeline(std::move(what), in(5s));
}

TEST_F(ServerStates, AnAbortedTransactionLeavesItsConnectionClean) {
    serve();
    std::vector<command> what;
    what.emplace_back("MULTI");
    what.emplace_back("SET", "k");
    what.emplace_back("INCR", "n");
    what.emplace_back("EXEC");
    const auto replies = run_on(loop_, pipeline_on_lease(*redis_, owner_, what));
    ASSERT_TRUE(replies.has_value()) << replies.error().what();
    EXPECT_THAT(replies->back().text, StartsWith("EXECABORT"));
    EXPECT_EQ(outcome_of_message(replies->back().text), outcome::server_error);
    EXPECT_TRUE(execute(command("GET", "n"))->is_null());
    EXPECT_EQ(redis_->stats().idle, 1U) << "and is used again";
}

TEST_F(ServerStates, AnUnblockedCallIsToldSo) {
    serve();
    const auto reply = execute_while(command("BLPOP", "none", 5), 10s, [&] {
        std::string id;
        const auto list = server_->ask("CLIENT LIST");
        const auto at = list.find(" cmd=blpop");
        ASSERT_NE(at, std::string::npos);
        const auto line = list.rfind("id=", at);
        id = list.substr(line + 3, list.find(' ', line) - line - 3);
        EXPECT_THAT(server_->ask("CLIENT UNBLOCK " + id + " ERROR"), StartsWith(":1"));
    });
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::server_error);
    EXPECT_THAT(reply.error().detail, StartsWith("UNBLOCKED"));
    EXPECT_EQ(redis_->stats().idle, 1U);
}

TEST_F(ServerStates, APausedServerAnswersWhatWasSentOnceItGoesOn) {
    serve();
    (void)server_->ask("CLIENT PAUSE 60000 WRITE");
    EXPECT_TRUE(execute(command("GET", "before")).has_value()) << "reads go on";
    const auto late = execute(command("INCR", "n"), 100ms);
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::unknown) << "it runs when the pause ends";
    const auto reply =
        execute_while(command("INCR", "n"), 10s, [&] { (void)server_->ask("CLIENT UNPAUSE"); });
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    EXPECT_EQ(reply->integer, 2);
    expect_recovered();
    EXPECT_EQ(redis_->lane().reconnects, 0U);
}

TEST_F(ServerStates, AWriteWhoseConnectionIsKilledIsUnknownAndNotRepeated) {
    serve();
    (void)server_->ask("CLIENT PAUSE 60000 WRITE");  // sent, and not answered
    const auto written = execute_while(command("INCR", "n"), 10s, [&] {
        (void)server_->ask("CLIENT KILL TYPE normal");
        (void)server_->ask("CLIENT UNPAUSE");
    });
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code, redis_errc::unknown);
    EXPECT_TRUE(execute(command("GET", "n"))->is_null());
    expect_recovered();
    EXPECT_EQ(redis_->lane().reconnects, 1U);
}

TEST_F(ServerStates, AReadWhoseConnectionIsLostIsRepeatedOnTheNextOne) {
    serve();
    server_->suspend();
    const auto read = execute_while(command("GET", "before"), 10s, [&] {
        server_->kill();
        server_->start();
    });
    ASSERT_TRUE(read.has_value()) << read.error().what();
    expect_recovered();
}

TEST_F(ServerStates, ALostReadIsUnknownWhereRetriesAreOff) {
    serve({}, [](client_options& options) { options.retries.reads = false; });
    server_->suspend();
    const auto read = execute_while(command("GET", "before"), 10s, [&] {
        server_->kill();
        server_->start();
    });
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, redis_errc::unknown);
    expect_recovered();
}

// --- The same for threads ---

TEST(ServerStatesOfThreads, RefusalsAreWaitedForInsideTheDeadline) {
    private_redis server;
    auto options = options_for(server);
    options.kind = pool_kind::sync;
    blocking_client redis(options);
    const auto owner = redis.owner("test");
    ASSERT_TRUE(redis.execute(command("SET", "before", "1"), {owner, in(5s)}).has_value());
    (void)server.ask("REPLICAOF 127.0.0.1 1");
    const auto once = redis.execute(command("INCR", "n"), {owner, in(5s), false});
    ASSERT_FALSE(once.has_value());
    EXPECT_EQ(once.error().code, redis_errc::refused);
    const auto late = redis.execute(command("INCR", "n"), {owner, in(400ms)});
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::refused);
    EXPECT_THAT(late.error().detail, StartsWith("READONLY"));
    EXPECT_THAT(late.error().detail, testing::ContainsRegex("\\(after [0-9]+ tries\\)$"));

    std::optional<result<value>> reply;
    std::thread caller([&] { reply = redis.execute(command("INCR", "n"), {owner, in(20s)}); });
    (void)server.ask("REPLICAOF NO ONE");
    caller.join();
    ASSERT_TRUE(reply->has_value()) << reply->error().what();
    EXPECT_EQ((*reply)->integer, 1);
    EXPECT_GE(redis.stats().opened, 2U) << "the name was resolved anew";

    (void)server.ask("CONFIG SET maxmemory 1");
    const auto full = redis.execute(command("SET", "k", "v"), {owner, in(5s)});
    ASSERT_FALSE(full.has_value());
    EXPECT_THAT(full.error().detail, StartsWith("OOM"));
    (void)server.ask("CONFIG SET maxmemory 0");
    EXPECT_TRUE(redis.execute(command("SET", "k", "v"), {owner, in(5s)}).has_value());
    EXPECT_EQ(server.count_clients("chat:host-1:42:sync"), 1U);
    EXPECT_TRUE(redis.close(in(5s)).has_value());
}

// --- Where commands go by themselves ---

TEST_F(ServerStates, ABlockingCommandTakesAConnectionForItselfAndGivesItBack) {
    serve();
    const auto reply = execute_while(command("BLPOP", "queue", 0), 10s, [&] {
        EXPECT_TRUE(execute(command("PING")).has_value()) << "the lane goes on";
        (void)server_->ask("RPUSH queue job");
    });
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    EXPECT_EQ(reply->items.at(1).text, "job");
    EXPECT_EQ(redis_->stats().idle, 1U);
}

TEST_F(ServerStates, ABlockingCommandNeedsADeadlineBeyondItsBlockTime) {
    serve();
    const auto early = execute(command("BLPOP", "queue", 5), 1s);
    ASSERT_FALSE(early.has_value());
    EXPECT_EQ(early.error().code, redis_errc::not_sent);
    EXPECT_THAT(early.error().detail, HasSubstr("BLPOP may block for 5000 ms"));
    const auto endless =
        run_on(loop_, redis_->execute(command("BLPOP", "queue", 0), {owner_, deadline::max()}));
    ASSERT_FALSE(endless.has_value());
    EXPECT_THAT(endless.error().detail, HasSubstr("give it a deadline"));
    EXPECT_EQ(redis_->stats().size(), 1U);
}

TEST_F(ServerStates, ALongPipelineOrALargeAnswerTakesAConnectionForItself) {
    serve({}, [](client_options& options) {
        options.pipeline_commands_max_on_lane = 10;
        options.pipeline_bytes_max_on_lane = 1000;
    });
    const auto run = [&](std::size_t count, std::size_t size) {
        const std::vector<command> what(count, command("ECHO", std::string(size, 'x')));
        const auto replies = run_on(loop_, redis_->pipeline(what, {owner_, in(5s)}));
        EXPECT_TRUE(replies.has_value() && replies->size() == count);
        return redis_->lane().commands;
    };
    const auto before = redis_->lane().commands;
    EXPECT_EQ(run(10, 1), before + 10);
    EXPECT_EQ(run(11, 1), before + 10);
    EXPECT_EQ(run(1, 2000), before + 10);
    EXPECT_TRUE(execute(command("KEYS", "*")).has_value());
    EXPECT_EQ(redis_->lane().commands, before + 10);
    EXPECT_EQ(redis_->stats().idle, 1U);
}

TEST_F(ServerStates, ALongPipelineStaysOnTheLaneWhereTheCapLeavesNoLease) {
    serve({}, [](client_options& options) {
        options.bounds.cap = 1;
        options.pipeline_commands_max_on_lane = 10;
    });
    const auto replies = run_on(
        loop_, redis_->pipeline(std::vector<command>(20, command("PING")), {owner_, in(5s)}));
    ASSERT_TRUE(replies.has_value()) << replies.error().what();
    EXPECT_EQ(replies->size(), 20U);
    EXPECT_TRUE(execute(command("KEYS", "*")).has_value());
}

TEST_F(ServerStates, APipelineIsRepeatedOnlyWhenAllOfItWasRefused) {
    serve();
    (void)server_->ask("REPLICAOF 127.0.0.1 1");
    std::vector<command> mixed;
    mixed.emplace_back("GET", "before");
    mixed.emplace_back("INCR", "n");
    const auto replies = run_on(loop_, redis_->pipeline(mixed, {owner_, in(5s)}));
    ASSERT_TRUE(replies.has_value());
    EXPECT_EQ(replies->at(0).text, "1");
    EXPECT_THAT(replies->at(1).text, StartsWith("READONLY"));
    const std::vector<command> writes(3, command("INCR", "n"));
    const auto refused = run_on(loop_, redis_->pipeline(writes, {owner_, in(200ms)}));
    ASSERT_TRUE(refused.has_value()) << "errors stay among the values";
    EXPECT_THAT(refused->at(2).text, StartsWith("READONLY"));
    std::thread promoting([&] { (void)server_->ask("REPLICAOF NO ONE"); });
    const auto done = run_on(loop_, redis_->pipeline(writes, {owner_, in(10s)}));
    promoting.join();
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(done->at(2).integer, 3);
    expect_recovered();
}

}  // namespace
}  // namespace headroom::redis
