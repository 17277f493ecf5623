// SPDX-License-Identifier: Apache-2.0
// What one sentinel of a simulated world knows, and its answers word by word. Not when it answers.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "redis/core/host_and_port.hpp"
#include "reply_builders.hpp"

namespace headroom::redis {

using test::fault;
using test::integer;
using test::list;
using test::text;

inline std::string key_of(const host_and_port& at) {
    return to_string(at);
}
inline host_and_port sentinel_at(std::size_t i) {
    return {fmt::format("10.0.0.{}", i + 1), 26379};
}
inline host_and_port server_at(std::size_t i) {
    return {fmt::format("10.0.1.{}", i + 1), 6379};
}

inline value switch_from(const host_and_port& from, const host_and_port& to) {
    return list({text("message"), text("+switch-master"),
                 text(fmt::format("shop {} {} {} {}", from.host, from.port, to.host, to.port))},
                value_kind::push);
}

struct drawn_sentinel {
    bool is_up = true;
    bool is_silent = false;
    bool knows_the_name = true;
    bool tells_the_age = true;  // its ACL allows SENTINEL MASTER
    bool speaks_resp3 = true;
    std::size_t primary = 0;
    std::uint64_t epoch = 0;

    // As sentinel `own` of `count` that know each other.
    [[nodiscard]] value answer_to(std::string_view asked, int protocol, std::size_t own,
                                  std::size_t count) const {
        if (asked == "PING") return text("PONG");
        if (asked.starts_with("SUBSCRIBE")) {
            return list({text("subscribe"), text("+switch-master"), integer(1)},
                        protocol == 3 ? value_kind::push : value_kind::array);
        }
        if (asked == "SENTINEL GET-MASTER-ADDR-BY-NAME shop") {
            if (!knows_the_name) return text("", value_kind::null);
            const auto where = server_at(primary);
            return list({text(where.host), text(std::to_string(where.port))});
        }
        if (!knows_the_name) return fault("ERR No such master with that name");
        if (asked == "SENTINEL MASTER shop") {
            if (!tells_the_age) return fault("NOPERM no permissions");
            return list({text("config-epoch"), text(std::to_string(epoch))}, value_kind::map);
        }
        auto others = list({});
        for (std::size_t i = 0; i < count; ++i) {
            if (i == own) continue;
            const auto where = sentinel_at(i);
            others.items.push_back(
                list({text("ip"), text(where.host), text("port"), text(std::to_string(where.port))},
                     value_kind::map));
        }
        return others;
    }
};

}  // namespace headroom::redis
