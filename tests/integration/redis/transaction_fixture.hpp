// SPDX-License-Identifier: Apache-2.0
// A client and a server for tests of transactions, and what the server says of the client's
// connections.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/client.hpp"
#include "redis/transaction.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::test {

inline redis::client_options transaction_options(const private_redis& server,
                                                 std::string_view kind = pool_kind::async) {
    redis::client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = kind;
    options.bounds.cap = 6;
    return options;
}

struct transaction_fixture {
    explicit transaction_fixture(std::vector<std::string> server_options = {})
        : server(std::move(server_options)) {
        open(transaction_options(server));
    }
    ~transaction_fixture() { close(); }
    transaction_fixture(const transaction_fixture&) = delete;
    transaction_fixture& operator=(const transaction_fixture&) = delete;

    void open(redis::client_options options) {
        close();
        client = std::make_unique<redis::client>(loop.get_executor(), std::move(options));
    }
    void close() {
        if (client) EXPECT_TRUE(run_on(loop, client->close(in(std::chrono::seconds(5)))));
        client.reset();
    }
    [[nodiscard]] redis::call within(clock::duration time = std::chrono::seconds(20)) const {
        return {client->owner("test"), in(time)};
    }
    result<redis::value> execute(redis::command what) {
        return run_on(loop, client->execute(std::move(what), within()));
    }

    // What the server's CLIENT LIST says of our connections, a line each.
    std::vector<std::string> connections() {
        std::vector<std::string> ours;
        std::istringstream lines(server.ask("CLIENT LIST"));
        for (std::string line; std::getline(lines, line);) {
            if (line.contains("name=chat:host-1:42:")) ours.push_back(line);
        }
        return ours;
    }
    // 'd' among the flags: a watched key has been changed; 'x': MULTI without EXEC.
    // https://redis.io/docs/latest/commands/client-list/
    void expect_no_connection_is_within_a_transaction() {
        for (const auto& line : connections()) {
            EXPECT_TRUE(line.contains(" multi=-1 ")) << line;
            const auto flags = field(line, "flags");
            EXPECT_EQ(flags.find_first_of("dx"), std::string::npos) << line;
        }
    }
    static std::string field(const std::string& line, std::string_view name) {
        const auto at = line.find(" " + std::string(name) + "=");
        if (at == std::string::npos) return {};
        const auto from = line.find('=', at) + 1;
        return line.substr(from, line.find(' ', from) - from);
    }

    private_redis server;
    boost::asio::io_context loop{1};
    std::unique_ptr<redis::client> client;
};

}  // namespace headroom::test
