// SPDX-License-Identifier: Apache-2.0
#include "chat/relay/session_history.hpp"

#include <utility>
#include <vector>

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr std::size_t page_events_max = 64;

// KEYS history; ARGV number after which to read or '', events at most. {next epoch's first number,
// last number or '', number, record, number, record...}
constexpr std::string_view script = R"(#!lua flags=no-writes
local function number_of(entry) return string.match(entry[1], '^%d+') end
local now = redis.call('TIME')
local epoch = tonumber(now[1]) * 1000000 + math.floor(tonumber(now[2]) / 1000) * 1000
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local reply = {string.format('%.0f', epoch), last and number_of(last) or ''}
if ARGV[1] ~= '' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
    reply[#reply + 1] = number_of(entry)
    reply[#reply + 1] = entry[2][2]
  end
end
return reply
)";

std::optional<history_page> read_page(redis::value& reply) {
    if (!reply.is_array() || reply.items.size() < 2 || reply.items.size() % 2 != 0) {
        return std::nullopt;
    }
    const auto to_number = redis::reply::digits.read;
    history_page page;
    const auto epoch = to_number(reply.items[0]);
    if (!epoch) return std::nullopt;
    page.next_epoch = *epoch;
    page.last = to_number(reply.items[1]);
    for (std::size_t at = 2; at + 1 < reply.items.size(); at += 2) {
        const auto number = to_number(reply.items[at]);
        if (!number) return std::nullopt;
        // A record that is not ours leaves a hole in the numbers, which the cursor tells as a gap.
        auto event = parse_record(*number, reply.items[at + 1].text);
        if (event) page.events.push_back(std::move(*event));
    }
    page.is_complete = reply.items.size() < 2 + 2 * page_events_max;
    return page;
}

constexpr redis::reply_reader<history_page> page_of_events{"a page of events", read_page};

}  // namespace

session_history::session_history(service_communicator& channels, key_space keys)
    : channels_(channels),
      keys_(std::move(keys)),
      read_(std::string(script), {.key_count = 1, .is_read_only = true}) {}

asio::awaitable<result<history_page>> session_history::read(std::string session_id,
                                                            std::optional<std::uint64_t> position,
                                                            deadline by) {
    std::vector<std::string> keys{keys_.history(session_id)};
    std::vector<std::string> arguments{position ? std::to_string(*position) : std::string(),
                                       std::to_string(page_events_max)};
    auto answer = co_await channels_.run(read_, std::move(keys), std::move(arguments), by);
    co_return redis::read_reply("the history's script", page_of_events, std::move(answer));
}

}  // namespace headroom::chat
