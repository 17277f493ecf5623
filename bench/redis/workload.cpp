// SPDX-License-Identifier: Apache-2.0
#include "workload.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace headroom::bench {

using redis::command;

namespace {
std::string key_of(std::uint64_t number) {
    return "k:" + std::to_string(number % workload_keys);
}
std::string queue_of(std::uint64_t number) {
    return "q:" + std::to_string(number % workload_queues);
}
}  // namespace

void give_up(std::string_view what, std::string_view why) {
    fmt::print(stderr, "bench_redis: {}: {}\n", what, why);
    std::_Exit(1);
}

redis::client_options options_for(const run_arguments& given, std::string_view kind) {
    redis::client_options options;
    options.server.host = given.host;
    options.server.port = given.port;
    options.identity = {"bench", "bench", ::getpid()};
    options.kind = std::string(kind);
    options.bounds.cap = given.pool;
    return options;
}

std::string stamped(clock::time_point time) {
    std::string text(64, 'x');
    auto left = time.time_since_epoch().count();
    for (std::size_t i = 20; i-- > 0; left /= 10)
        text[i] = static_cast<char>('0' + left % 10);
    return text;
}

clock::time_point stamp_of(std::string_view text) {
    std::int64_t number = 0;
    (void)std::from_chars(text.data(), text.data() + 20, number);
    return clock::time_point(clock::duration(number));
}

workload::workload(std::string_view name)
    : kind_(name == "R1"   ? kind::get_small
            : name == "R2" ? kind::set_large
            : name == "R3" ? kind::publish
                           : kind::mixed) {}

bool workload::is_set(std::uint64_t number) const {
    return kind_ == kind::set_large || (kind_ == kind::mixed && number % 5 == 4);
}

command workload::fill(std::uint64_t number) const {
    return command("SET", key_of(number), small_);
}

command workload::request(std::uint64_t number, clock::time_point begun) const {
    if (kind_ == kind::publish) return command("PUBLISH", "bench", stamped(begun));
    if (kind_ == kind::set_large) return command("SET", key_of(number) + "b", large_);
    if (is_set(number)) return command("SET", key_of(number), small_);
    return command("GET", key_of(number));
}

void workload::check(const result<redis::value>& reply, std::uint64_t number) const {
    if (!reply) give_up("a command", reply.error().what());
    if (kind_ == kind::publish) {
        if (reply->integer != 1) give_up("PUBLISH", "nobody received it");
    } else if (is_set(number)) {
        if (reply->text != "OK") give_up("SET", reply->text);
    } else if (reply->text != small_) {
        give_up("GET", "another value than was set");
    }
}

command workload::pop(std::uint32_t queue) {
    return command("BRPOP", queue_of(queue), 1);
}

command workload::push(std::uint64_t number) {
    return command("LPUSH", queue_of(number), stamped(clock::now()));
}

}  // namespace headroom::bench
