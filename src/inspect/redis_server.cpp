// SPDX-License-Identifier: Apache-2.0
#include "inspect/redis_server.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/client_name.hpp"
#include "base/text.hpp"
#include "inspect/own_name.hpp"
#include "net/connect.hpp"
#include "redis/blocking_connection.hpp"
#include "redis/sentinel_inquiry.hpp"

namespace headroom::inspect {

namespace {

constexpr std::size_t info_bytes_max = 1 << 20;  // a section is a few KB

// The server's refusals stay refusals; anything else ends the questions.
bool is_said_by_server(const error& why) {
    return why.code == redis::redis_errc::server_error || why.code == redis::redis_errc::refused ||
           why.code == redis::redis_errc::unexpected_reply;
}

std::string refusal(std::string_view command, const error& why) {
    return std::string(command) + ": " + printable_excerpt(why.detail, 100);
}

// The blocking client's own look-up of a name knows no deadline.
result<std::vector<std::string>> addresses_of(const redis::endpoint& where, deadline by) {
    if (!where.unix_path.empty()) return std::vector{where.host};
    auto loop = std::make_unique<boost::asio::io_context>(1);
    std::optional<result<std::vector<std::string>>> found;
    boost::asio::co_spawn(
        *loop, net::resolve(where.host, where.port, by),
        [&](const std::exception_ptr& thrown, result<std::vector<std::string>> addresses) {
            if (thrown) std::rethrow_exception(thrown);
            found = std::move(addresses);
        });
    while (!found && loop->run_one() > 0) {
    }
    // A look-up that hangs cannot be taken back, and its loop's end would wait for it.
    if (!*found && clock::now() >= by) (void)loop.release();
    return std::move(*found);
}

}  // namespace

redis_server::redis_server(std::unique_ptr<redis::blocking_connection> link)
    : link_(std::move(link)) {}
redis_server::redis_server(redis_server&&) noexcept = default;
redis_server::~redis_server() = default;

result<redis_server> redis_server::open(redis::endpoint where, deadline by) {
    if (where.sentinel) {
        const auto primary = redis::sentinel_inquiry(where, own_name()).primary(by);
        if (!primary) return std::unexpected(primary.error());
        where = redis::at_address(std::move(where), *primary);
    }
    const auto addresses = addresses_of(where, by);
    if (!addresses) return std::unexpected(addresses.error());
    result<std::unique_ptr<pool::blocking_connection>> opened =
        failure(redis::redis_errc::connect_failed, where.host + ": no address");
    // The certificate is the name's, not the address's.
    if (where.tls && where.tls->server_name.empty()) where.tls->server_name = where.host;
    for (const auto& address : *addresses) {
        where.host = address;
        opened = redis::blocking_connector({.server = where, .client_name = own_name()}).open(by);
        if (opened || opened.error().code != redis::redis_errc::connect_failed) break;
    }
    if (!opened) return std::unexpected(opened.error());
    redis_server server(std::unique_ptr<redis::blocking_connection>(
        static_cast<redis::blocking_connection*>(opened->release())));
    const std::array ask{redis::command("CLIENT", "ID")};
    auto id = server.link_->exchange(ask, by);
    if (!id) return std::unexpected(id.error());
    if (id->front().is_integer()) server.own_id_ = static_cast<std::uint64_t>(id->front().integer);
    return server;
}

result<std::string> redis_server::text_of(const char* section, deadline by) {
    std::string text;
    auto told = link_->stream(
        redis::command("INFO", section),
        [&text](std::string_view piece) {
            if (text.size() + piece.size() <= info_bytes_max) text += piece;
        },
        by);
    if (!told) return std::unexpected(told.error());
    return text;
}

result<redis_limits> redis_server::limits(deadline by) {
    redis_limits found;
    std::string text;
    for (const char* section : {"server", "clients", "stats", "replication"}) {
        auto told = text_of(section, by);
        if (!told && !is_said_by_server(told.error())) return std::unexpected(told.error());
        if (!told) {
            found.refusals.push_back(refusal("INFO", told.error()));
            break;
        }
        text += *told;
        text += "\r\n";
    }
    const auto refusals = std::move(found.refusals);
    read_info(found, redis_info::parse(text));
    found.refusals = refusals;
    if (auto completed = complete(found, by); !completed) return std::unexpected(completed.error());
    return found;
}

// What INFO of this version does not tell.
result<void> redis_server::complete(redis_limits& to, deadline by) {
    if (!to.maxclients) {
        const std::array ask{redis::command("CONFIG", "GET", "maxclients")};
        auto answer = link_->exchange(ask, by);
        if (!answer) return std::unexpected(answer.error());
        const auto& reply = answer->front();
        if (reply.is_error()) {
            to.refusals.push_back("CONFIG GET: " + printable_excerpt(reply.text, 100));
        } else if (reply.items.size() == 2) {
            std::uint64_t most = 0;
            const auto& digits = reply.items[1].text;
            std::from_chars(digits.data(), digits.data() + digits.size(), most);
            if (most > 0) {
                to.maxclients = most;
                to.source = maxclients_source::config;
            }
        }
    }
    if (!to.pubsub || !to.connected) {
        std::uint64_t all = 0;
        std::uint64_t subscribed = 0;
        auto listed = clients(
            [&](const redis_client& one) {
                ++all;
                if (one.held.state == "pubsub") ++subscribed;
            },
            by);
        if (!listed && !is_said_by_server(listed.error())) return std::unexpected(listed.error());
        if (!listed) {
            to.refusals.push_back(refusal("CLIENT LIST", listed.error()));
        } else {
            if (!to.pubsub) to.pubsub = subscribed;
            if (!to.connected) to.connected = all;
        }
    }
    return {};
}

result<void> redis_server::clients(const std::function<void(const redis_client&)>& each,
                                   deadline by) {
    bool has_any = false;
    client_list_reader reader([&](const redis_client& one) {
        has_any = true;
        if (one.id != own_id_) each(one);
    });
    auto told = link_->stream(
        redis::command("CLIENT", "LIST"),
        [&reader](std::string_view piece) { reader.on_bytes(piece); }, by);
    if (!told) return told;
    reader.on_end();
    if (!has_any && reader.skipped() > 0) {
        return failure(redis::redis_errc::unexpected_reply,
                       "CLIENT LIST told lines that are no clients");
    }
    return {};
}

bool is_redis_full(const error& why) {
    return why.detail.find("max number of clients reached") != std::string::npos;
}

}  // namespace headroom::inspect
