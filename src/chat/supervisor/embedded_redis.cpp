// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/embedded_redis.hpp"

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "chat/process/program_search.hpp"
#include "net/connect.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

// Redis' own default, and room for people beside our workers.
constexpr std::uint64_t maxclients_min = 10'000;
constexpr std::uint64_t spare_clients = 128;

// While it loads its file it answers -LOADING, which is no yes.
asio::awaitable<bool> answers_ping(std::string socket_path, deadline by) {
    auto connected = co_await net::connect_unix(std::move(socket_path), by);
    if (!connected) co_return false;
    net::stream_socket& socket = *connected;
    const net::deadline_guard guard(socket.get_executor(), by, [&socket] {
        boost::system::error_code ignored;
        socket.cancel(ignored);
    });
    boost::system::error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    co_await asio::async_write(socket, asio::buffer("PING\r\n", 6), token);
    if (failed) co_return false;
    std::array<char, 64> reply{};
    const std::size_t got = co_await socket.async_read_some(asio::buffer(reply), token);
    co_return !failed && std::string_view(reply.data(), got).starts_with("+PONG");
}

}  // namespace

std::string redis_socket(const data_folder& folder) {
    return folder.socket_folder() + "/redis.sock";
}

result<server_plan> plan_redis(const data_folder& folder, std::string_view path_variable,
                               connection_count connections) {
    const auto program = find_program(path_variable, "redis-server");
    if (!program) {
        return failure(std::make_error_code(std::errc::no_such_file_or_directory),
                       "redis-server is not in PATH: install it (apt-get install redis-server), "
                       "or name a server with REDIS_URL");
    }
    if (auto made = folder.make_private(folder.redis()); !made)
        return std::unexpected(made.error());

    const std::string socket = redis_socket(folder);
    const std::uint64_t clients = std::max(maxclients_min, connections.value() + spare_clients);
    server_plan plan{.name = "redis",
                     .program = {},
                     .log_file = folder.log_file("redis"),
                     .socket = socket,
                     .stop_signal = SIGTERM,
                     .urgent_signal = SIGKILL,
                     .answers = [socket](deadline by) { return answers_ping(socket, by); }};
    plan.program.program = *program;
    plan.program.arguments = {"redis-server",
                              "--port",
                              "0",
                              "--unixsocket",
                              socket,
                              "--unixsocketperm",
                              "700",
                              "--dir",
                              folder.redis(),
                              "--pidfile",
                              folder.redis() + "/redis.pid",
                              "--appendonly",
                              "yes",
                              "--save",
                              "",
                              "--maxmemory-policy",
                              "noeviction",
                              "--maxclients",
                              fmt::format("{}", clients),
                              "--daemonize",
                              "no",
                              "--logfile",
                              ""};
    plan.program.environment = {fmt::format("PATH={}", path_variable), "LC_ALL=C.UTF-8"};
    plan.program.working_folder = folder.redis();
    plan.program.user = folder.server_user();
    plan.program.death_signal = SIGTERM;
    return plan;
}

}  // namespace headroom::chat
