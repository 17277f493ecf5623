// SPDX-License-Identifier: Apache-2.0
// What the chat tests share: a Redis of their own with a client, and a sink that remembers.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/relay/chat_relay_communicator.hpp"
#include "redis/client.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::chat {

inline const scope test_scope{.tenant = "home", .project = "test"};

inline redis::client_options redis_options(const test::private_redis& server, std::string kind) {
    redis::client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = std::move(kind);
    options.has_subscriber = true;
    options.bounds.cap = 6;
    return options;
}

struct remembering_sink final : stream_sink {
    std::vector<stream_event> heard;

    void deliver(const stream_event& event) override { heard.push_back(event); }

    [[nodiscard]] std::size_t count(std::string_view name) const {
        std::size_t found = 0;
        for (const auto& event : heard)
            found += event.name == name ? 1 : 0;
        return found;
    }
    // "a b gap c": names without "chat_".
    [[nodiscard]] std::string names() const {
        std::string text;
        for (const auto& event : heard) {
            if (!text.empty()) text += ' ';
            text += event.name.starts_with("chat_") ? event.name.substr(5) : event.name;
        }
        return text;
    }
    [[nodiscard]] bool numbers_rise() const {
        for (std::size_t at = 1; at < heard.size(); ++at)
            if (heard[at].number <= heard[at - 1].number) return false;
        return true;
    }
    [[nodiscard]] bool numbers_are_contiguous() const {
        for (std::size_t at = 1; at < heard.size(); ++at)
            if (heard[at].number != heard[at - 1].number + 1) return false;
        return true;
    }
};

}  // namespace headroom::chat
