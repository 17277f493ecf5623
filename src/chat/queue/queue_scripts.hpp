// SPDX-License-Identifier: Apache-2.0
// The Lua of the queue. Each script is one atomic step; all keys share one hash tag. `#!lua` makes
// a replica and a server out of memory refuse before anything has run.
#pragma once

#include <string_view>

namespace headroom::chat::queue_scripts {

// KEYS lanes; ARGV group. Entries that no processor holds.
inline constexpr std::string_view depth = R"(#!lua flags=no-writes
local waiting = 0
for _, lane in ipairs(KEYS) do
  waiting = waiting + redis.call('XLEN', lane)
  local held = redis.pcall('XPENDING', lane, ARGV[1])
  if not held.err then waiting = waiting - held[1] end
end
return math.max(waiting, 0)
)";

// KEYS lane, known turns; ARGV group, turn, bound or '', work channel. "added", "known" or "full".
inline constexpr std::string_view enqueue = R"(#!lua
local lane, known = KEYS[1], KEYS[2]
local group, turn, bound, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local entry = redis.call('HGET', known, turn)
if entry and redis.call('XRANGE', lane, entry, entry)[1] then return 'known' end
if redis.call('EXISTS', lane) == 0 then
  redis.call('XGROUP', 'CREATE', lane, group, '0', 'MKSTREAM')
end
if bound ~= '' then
  local waiting = redis.call('XLEN', lane)
  local held = redis.pcall('XPENDING', lane, group)
  if not held.err then waiting = waiting - held[1] end
  if waiting >= tonumber(bound) then return 'full' end
end
entry = redis.call('XADD', lane, '*', 'turn', turn)
redis.call('HSET', known, turn, entry)
redis.call('PUBLISH', channel, 'added')
return 'added'
)";

// KEYS lanes; ARGV group, processor, count, milliseconds after which an owner is dead.
// {{lane, entry, turn, reclaimed}...}
inline constexpr std::string_view claim = R"(#!lua
local group, processor, left, timeout = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local claims = {}
local function take(lane, entries, reclaimed)
  for _, entry in ipairs(entries) do
    if entry[2] then
      claims[#claims + 1] = {lane, entry[1], entry[2][2], reclaimed}
      left = left - 1
    end
  end
end
for lane, key in ipairs(KEYS) do
  if left > 0 and redis.call('EXISTS', key) == 1 then
    local dead = redis.pcall('XAUTOCLAIM', key, group, processor, timeout, '0-0', 'COUNT', left)
    if dead.err then
      redis.call('XGROUP', 'CREATE', key, group, '0')
    else
      take(lane, dead[2], 1)
    end
    if left > 0 then
      local fresh = redis.call('XREADGROUP', 'GROUP', group, processor, 'COUNT', left, 'STREAMS', key, '>')
      if fresh then take(lane, fresh[1][2], 0) end
    end
  end
end
return claims
)";

// KEYS lane, known turns; ARGV group, entry, turn.
inline constexpr std::string_view acknowledge = R"(#!lua
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
if redis.call('HGET', KEYS[2], ARGV[3]) == ARGV[2] then redis.call('HDEL', KEYS[2], ARGV[3]) end
return 1
)";

// KEYS lane, known turns; ARGV group, entry, turn, work channel. A second put_back of one entry
// does nothing.
inline constexpr std::string_view put_back = R"(#!lua
if redis.call('XDEL', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
local entry = redis.call('XADD', KEYS[1], '*', 'turn', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[3], entry)
redis.call('PUBLISH', ARGV[4], 'added')
return 1
)";

// KEYS lanes; ARGV group, milliseconds. Consumers that hold nothing and have long not asked.
inline constexpr std::string_view forget = R"(#!lua
for _, lane in ipairs(KEYS) do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', lane, ARGV[1])
  if not consumers.err then
    for _, c in ipairs(consumers) do
      local name, pending, idle
      for i = 1, #c, 2 do
        if c[i] == 'name' then name = c[i + 1] end
        if c[i] == 'pending' then pending = c[i + 1] end
        if c[i] == 'idle' then idle = c[i + 1] end
      end
      if pending == 0 and idle > tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', lane, ARGV[1], name)
      end
    end
  end
end
return 1
)";

}  // namespace headroom::chat::queue_scripts
