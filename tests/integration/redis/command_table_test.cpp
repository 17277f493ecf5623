// SPDX-License-Identifier: Apache-2.0
// Our table of commands against what a real server says of its own.
#include "redis/core/command_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "redis/client.hpp"
#include "redis/core/command_traits.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;

// One row of COMMAND. https://redis.io/docs/latest/commands/command/
struct server_command {
    std::string name;
    std::set<std::string> flags;
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int64_t step = 0;
    std::vector<server_command> subcommands;

    [[nodiscard]] bool has(const char* flag) const { return flags.contains(flag); }
};

server_command read_row(const value& row) {
    server_command read;
    read.name = row.items.at(0).text;
    std::ranges::transform(read.name, read.name.begin(), [](unsigned char c) {
        return c == '|' ? ' ' : static_cast<char>(std::toupper(c));
    });
    for (const auto& flag : row.items.at(2).items)
        read.flags.insert(flag.text);
    read.first = row.items.at(3).integer;
    read.last = row.items.at(4).integer;
    read.step = row.items.at(5).integer;
    for (const auto& each : row.items.at(9).items)
        read.subcommands.push_back(read_row(each));
    return read;
}

class CommandTableAndServer : public testing::Test {
protected:
    CommandTableAndServer() {
        client_options options;
        options.server.unix_path = server_.unix_path();
        options.identity = {"chat", "host-1", 42};
        options.kind = pool_kind::async;
        options.bounds.cap = 2;
        redis_ = std::make_unique<client>(loop_.get_executor(), std::move(options));
        owner_ = redis_->owner("test");
    }
    ~CommandTableAndServer() override { (void)run_on(loop_, redis_->close(in(5s))); }

    result<value> ask(command what) {
        return run_on(loop_, redis_->execute(std::move(what), {owner_, in(20s)}));
    }

    // Commands and subcommands of the server that the table knows.
    std::vector<server_command> known_to_both() {
        const auto all = ask(command("COMMAND"));
        if (!all) throw std::runtime_error(all.error().what());
        std::vector<server_command> both;
        for (const auto& each : all->items) {
            auto row = read_row(each);
            for (auto& sub : row.subcommands) {
                if (find_traits(sub.name) != nullptr) both.push_back(std::move(sub));
            }
            row.subcommands.clear();
            both.push_back(std::move(row));
        }
        return both;
    }

    private_redis server_;
    boost::asio::io_context loop_{1};
    std::unique_ptr<client> redis_;
    pool::owner_id owner_;
};

TEST_F(CommandTableAndServer, KnowEveryCommandOfTheServer) {
    const auto all = known_to_both();
    EXPECT_GE(all.size(), 300U);
    for (const auto& each : all)
        EXPECT_NE(find_traits(each.name), nullptr) << each.name;
}

TEST_F(CommandTableAndServer, AgreeOnWhatReadsAndWhatWrites) {
    // The server's flag is of the command as such; ours is its worst case, told apart by options.
    const std::set<std::string> reads_that_say_nothing_of_it = {
        // Neither flag: they touch no key.
        "ECHO",   "PING",   "TIME",  "ROLE",    "INFO",    "LASTSAVE", "COMMAND",
        "PUBSUB", "OBJECT", "XINFO", "LATENCY", "SLOWLOG", "MEMORY"};
    for (const auto& each : known_to_both()) {
        const auto* ours = find_traits(each.name);
        ASSERT_NE(ours, nullptr) << each.name;
        if (each.has("readonly")) EXPECT_EQ(ours->side, side_effect::reads) << each.name;
        if (each.has("write")) EXPECT_NE(ours->side, side_effect::reads) << each.name;
        const bool says_nothing = !each.has("readonly") && !each.has("write");
        const bool is_subcommand = each.name.contains(' ');
        if (says_nothing && !is_subcommand && ours->side == side_effect::reads) {
            EXPECT_TRUE(reads_that_say_nothing_of_it.contains(each.name)) << each.name;
        }
    }
}

TEST_F(CommandTableAndServer, AgreeOnWhatBlocksAndOnChannels) {
    const std::map<std::string, std::string> disagreements = {
        {"WAIT", "blocks, though its flags do not say so"},
        {"PUBLISH", "of pubsub, but answered by one reply like any command"},
        {"SPUBLISH", "as PUBLISH"},
        {"PUBSUB", "asks about channels"},
    };
    for (const auto& each : known_to_both()) {
        if (disagreements.contains(each.name)) continue;
        if (each.name.starts_with("PUBSUB ")) continue;
        const auto effect = find_traits(each.name)->effect;
        EXPECT_EQ(effect == command_effect::blocks, each.has("blocking")) << each.name;
        if (each.has("pubsub")) EXPECT_EQ(effect, command_effect::pairing) << each.name;
        // What may stand in no script is nothing for a connection of many either, with these
        // exceptions, which leave the connection as it was.
        const std::set<std::string> harmless = {"ROLE",     "BGSAVE",  "BGREWRITEAOF", "EVAL",
                                                "EVALSHA",  "EVAL_RO", "EVALSHA_RO",   "FCALL",
                                                "FCALL_RO", "CLUSTER", "LATENCY",      "CONFIG"};
        const bool is_subcommand = each.name.contains(' ');
        if (each.has("noscript") && !is_subcommand && !harmless.contains(each.name)) {
            EXPECT_NE(effect, command_effect::none) << each.name;
        }
    }
}

TEST_F(CommandTableAndServer, AgreeOnWhereKeysAre) {
    const std::map<std::string, std::string> disagreements = {
        {"SSUBSCRIBE", "its channels are keys to a cluster; it runs on no connection of ours"},
    };
    for (const auto& each : known_to_both()) {
        const auto& ours = find_traits(each.name)->keys;
        const bool is_fixed = ours.layout == key_layout::none || ours.layout == key_layout::span;
        if (!is_fixed) {
            EXPECT_TRUE(each.has("movablekeys")) << each.name;
            continue;
        }
        EXPECT_EQ(ours.first, each.first) << each.name;
        EXPECT_EQ(ours.last, each.last) << each.name;
        EXPECT_EQ(ours.step, each.step) << each.name;
        // SORT_RO names keys by patterns only, which no client can list.
        if (each.has("movablekeys")) EXPECT_EQ(each.name, "SORT_RO");
    }
}

TEST_F(CommandTableAndServer, NameTheSameKeys) {
    const std::vector<std::vector<std::string>> samples = {
        {"MSET", "a", "1", "b", "2"},
        {"BLPOP", "a", "b", "0"},
        {"BITOP", "AND", "d", "a", "b"},
        {"EVAL", "return 1", "2", "a", "b", "c"},
        {"FCALL", "f", "1", "a", "b"},
        {"BLMPOP", "0", "2", "a", "b", "LEFT"},
        {"LMPOP", "2", "a", "b", "LEFT"},
        {"ZUNIONSTORE", "d", "2", "a", "b", "WEIGHTS", "1", "2"},
        {"ZDIFF", "2", "a", "b", "WITHSCORES"},
        {"XREAD", "COUNT", "2", "BLOCK", "0", "STREAMS", "a", "b", "0", "0"},
        {"XREADGROUP", "GROUP", "STREAMS", "c", "NOACK", "STREAMS", "a", "b", ">", ">"},
        {"SORT", "k", "BY", "w*", "GET", "#", "STORE", "d"},
        {"GEORADIUS", "k", "1", "1", "1", "km", "COUNT", "2", "STORE", "d"},
        {"GEORADIUSBYMEMBER", "k", "m", "1", "km", "STOREDIST", "d"},
        {"MIGRATE", "host", "1", "key", "0", "5"},
        {"MIGRATE", "host", "1", "", "0", "5", "COPY", "KEYS", "a", "b"},
        {"OBJECT", "ENCODING", "k"},
        {"XGROUP", "CREATE", "s", "g", "$"},
        {"MEMORY", "USAGE", "k"},
        {"LCS", "a", "b"},
    };
    for (const auto& sample : samples) {
        command what(sample.front());
        command question("COMMAND", "GETKEYS", sample.front());
        for (std::size_t i = 1; i < sample.size(); ++i) {
            what.arg(sample[i]);
            question.arg(sample[i]);
        }
        const auto answer = ask(std::move(question));
        ASSERT_TRUE(answer.has_value()) << sample.front() << ": " << answer.error().what();
        std::vector<std::string_view> expected;
        for (const auto& key : answer->items)
            expected.push_back(key.text);
        EXPECT_EQ(keys_of(what), expected) << testing::PrintToString(sample);
    }
}

}  // namespace
}  // namespace headroom::redis
