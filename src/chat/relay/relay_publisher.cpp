// SPDX-License-Identifier: Apache-2.0
#include "chat/relay/relay_publisher.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <utility>

#include "base/ids.hpp"
#include "chat/core/backoff.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

// KEYS history; ARGV channel, events kept, seconds kept, the batch's token, '1' when the batch may
// have been published before, records. The first event's number.
constexpr std::string_view script = R"(#!lua
local history = KEYS[1]
local channel, kept, lifetime, token, again = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local function number_of(entry) return tonumber(string.match(entry[1], '^%d+')) end
if again == '1' then
  local before = '+'
  repeat
    local page = redis.call('XREVRANGE', history, before, '-', 'COUNT', 64)
    for _, entry in ipairs(page) do
      if entry[2][4] == token then return string.format('%.0f', number_of(entry)) end
      before = '(' .. entry[1]
    end
  until #page < 64
end
local number
local last = redis.call('XREVRANGE', history, '+', '-', 'COUNT', 1)[1]
if last then
  number = number_of(last) + 1
else
  local now = redis.call('TIME')
  number = tonumber(now[1]) * 1000000 + math.floor(tonumber(now[2]) / 1000) * 1000
end
local lines = {}
for i = 6, #ARGV do
  local id = string.format('%.0f', number + i - 6)
  if i == 6 then
    redis.call('XADD', history, 'MAXLEN', '=', kept, id .. '-0', 'e', ARGV[i], 'b', token)
  else
    redis.call('XADD', history, 'MAXLEN', '=', kept, id .. '-0', 'e', ARGV[i])
  end
  lines[#lines + 1] = id .. ' ' .. ARGV[i] .. '\n'
end
redis.call('EXPIRE', history, lifetime)
redis.call('PUBLISH', channel, table.concat(lines))
return string.format('%.0f', number)
)";

// Trying again helps: the server was away, busy, loading, full or no primary, or could not write to
// its disk, which it says before a script begins.
bool is_passing(const error& why) {
    if (why.detail.starts_with("MISCONF")) return true;
    return why.code != redis::redis_errc::server_error && why.code != redis::redis_errc::closed &&
           why.code != redis::redis_errc::auth_failed && why.code != redis::redis_errc::not_allowed;
}

bool may_have_run(const error& why) {
    return why.code != redis::redis_errc::refused && why.code != redis::redis_errc::not_sent &&
           why.code != redis::redis_errc::queue_full;
}

}  // namespace

relay_publisher::relay_publisher(service_communicator& channels, key_space keys,
                                 relay_bounds bounds)
    : channels_(channels), keys_(std::move(keys)), bounds_(bounds), publish_(std::string(script)) {}

asio::awaitable<result<std::uint64_t>> relay_publisher::publish(std::string session_id,
                                                                std::vector<outgoing_event> batch,
                                                                deadline by) {
    const std::vector<std::string> keys{keys_.history(session_id)};
    const auto token = random_hex(8);
    std::vector<std::string> arguments{keys_.session_channel(session_id),
                                       std::to_string(bounds_.events_max),
                                       std::to_string(bounds_.lifetime.count()), token, "0"};
    for (const auto& event : batch)
        arguments.push_back(to_record(event.name, event.data));

    backoff pause(std::hash<std::string>{}(token));
    for (;;) {
        const auto attempt_by = std::min(by, clock::now() + bounds_.attempt_time_max);
        auto answer = co_await channels_.run(publish_, keys, arguments, attempt_by);
        if (answer) {
            co_return redis::read_reply("the relay's script", redis::reply::digits,
                                        std::move(answer));
        }
        const auto again_at = clock::now() + pause.next();
        if (!is_passing(answer.error()) || again_at >= by) {
            co_return std::unexpected(answer.error());
        }
        if (may_have_run(answer.error())) arguments[4] = "1";
        co_await net::sleep_until(again_at);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            co_return std::unexpected(answer.error());
        }
    }
}

}  // namespace headroom::chat
