// SPDX-License-Identifier: Apache-2.0
#include "redis/sentinel_inquiry.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/assert.hpp"
#include "redis/blocking_connection.hpp"

namespace headroom::redis {

using namespace std::chrono_literals;

namespace {

constexpr auto connect_timeout = 1s;  // of one sentinel
constexpr auto answer_timeout = 1s;
constexpr auto release_grace = 100ms;

sentinel_watch_options watch_options(const endpoint& from) {
    HEADROOM_ASSERT(from.sentinel.has_value(), "an endpoint of sentinels");
    return {.sentinels = from.sentinel->sentinels,
            .primary_name = from.sentinel->primary_name,
            .stays = false};
}

}  // namespace

sentinel_inquiry::sentinel_inquiry(const endpoint& where, std::string client_name)
    : server_(where), name_(std::move(client_name)), watch_(watch_options(where)) {}

result<host_and_port> sentinel_inquiry::primary(deadline by) {
    const std::lock_guard lock(mutex_);  // while it asks: one connection at a time
    watch_.on_wanted();
    const auto round = watch_.failed_rounds();
    for (;;) {
        if (watch_.failed_rounds() != round) break;
        const auto todo = watch_.next(clock::now());
        if (const auto* to = std::get_if<sentinel_watch::dial>(&todo)) {
            ask(to->where, by);
        } else if (const auto* until = std::get_if<sentinel_watch::wait>(&todo)) {
            if (until->until >= by) break;
            std::this_thread::sleep_until(until->until);
        } else if (auto told = watch_.primary()) {
            return std::move(*told);
        }
    }
    return failure(redis_errc::connect_failed, watch_.describe_failure());
}

void sentinel_inquiry::ask(const host_and_port& whom, deadline by) {
    const auto fail = [this](std::string why) {
        watch_.on_disconnected(std::move(why), clock::now());
    };
    auto where = at_address(server_, whom);
    where.username = server_.sentinel->username;
    where.password = server_.sentinel->password;
    where.database = 0;
    auto opened = blocking_connector({.server = where, .client_name = name_})
                      .open(std::min(by, clock::now() + connect_timeout));
    if (!opened) return fail(opened.error().detail);
    auto& link = static_cast<blocking_connection&>(**opened);
    watch_.on_connected(3);
    std::string why;
    for (;;) {
        const auto todo = watch_.next(clock::now());
        const auto* out = std::get_if<sentinel_watch::send>(&todo);
        if (out == nullptr) break;
        const auto replies = link.exchange(out->what, std::min(by, clock::now() + answer_timeout));
        if (!replies) {
            why = replies.error().detail;
            break;
        }
        for (const auto& each : *replies)
            watch_.on_value(each, clock::now());
    }
    wait_for_release(link.close(), clock::now() + release_grace);
    fail(std::move(why));
}

void sentinel_inquiry::on_dial_ended(const host_and_port& where, sentinel_watch::dial_end how) {
    const std::lock_guard lock(mutex_);
    watch_.on_dial_ended(where, how, clock::now());
}

}  // namespace headroom::redis
