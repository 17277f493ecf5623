// SPDX-License-Identifier: Apache-2.0
#include "redis/guarded_publisher.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/typed_call.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

// Without no-writes it counts as one that may write; a message takes no memory that lasts, hence
// allow-oom. https://redis.io/docs/latest/develop/programmability/lua-api/#script_flags
constexpr std::string_view with_flags =
    "#!lua flags=allow-oom\nreturn redis.call('PUBLISH', ARGV[1], ARGV[2])";
constexpr std::string_view writing_first =
    "redis.call('DEL', KEYS[1])\nreturn redis.call('PUBLISH', ARGV[1], ARGV[2])";

// "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'"
bool knows_no_flags(const error& why) {
    return why.code == redis_errc::server_error && why.detail.contains("compiling script");
}

// The DEL is the first thing the script does, so nothing has run. 6.x: "ERR Error running script
// (call to f_...): @user_script:1: @user_script: 1: -READONLY You can't write ..."
bool is_refused_write(const error& why) {
    return why.code == redis_errc::server_error &&
           (why.detail.starts_with("READONLY ") || why.detail.contains("-READONLY "));
}

}  // namespace

guarded_publisher::guarded_publisher(client& through, guard_options options)
    : through_(through),
      options_(std::move(options)),
      guarded_(std::string(with_flags)),
      guarded_before_7_(std::string(writing_first)) {}

asio::awaitable<result<value>> guarded_publisher::publish_before_7(
    std::vector<std::string> arguments, call how) {
    std::vector<std::string> keys{options_.key};
    auto heard =
        co_await guarded_before_7_.run(through_, std::move(keys), std::move(arguments), how);
    if (!heard && is_refused_write(heard.error())) heard.error().code = redis_errc::refused;
    co_return heard;
}

asio::awaitable<result<std::uint64_t>> guarded_publisher::publish(std::string channel,
                                                                  std::string payload, call how) {
    std::vector<std::string> arguments;
    arguments.push_back(std::move(channel));
    arguments.push_back(std::move(payload));
    result<value> heard;
    if (options_.knows_script_flags) {
        heard = co_await guarded_.run(through_, {}, arguments, how);
        if (!heard && knows_no_flags(heard.error())) options_.knows_script_flags = false;
    }
    if (!options_.knows_script_flags) {
        heard = co_await publish_before_7(std::move(arguments), how);
    }
    if (!heard) co_return std::unexpected(std::move(heard.error()));
    if (!heard->is_integer() || heard->integer < 0) {
        co_return std::unexpected(unexpected_kind("the guarded PUBLISH", "a number", *heard));
    }
    co_return static_cast<std::uint64_t>(heard->integer);
}

}  // namespace headroom::redis
