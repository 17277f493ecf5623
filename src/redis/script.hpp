// SPDX-License-Identifier: Apache-2.0
// A Lua script, called by its digest on the command lane and sent whole where the server does not
// know it: after a restart, a failover or SCRIPT FLUSH no caller notices.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/typed_call.hpp"

namespace headroom::redis {

struct script_options {
    // Calls that give another number of keys are refused. Empty: any number.
    std::optional<std::size_t> key_count;
    // Called by EVALSHA_RO (Redis 7 and later): the server lets it write nothing, runs it on
    // replicas too, and a call whose answer was lost may be repeated.
    bool is_read_only = false;
};

// Constant once made: any number of callers and threads may use one. Outlives its calls.
class script {
public:
    // A source that begins with `#!lua` has its flags checked by the server (Redis 7 and later):
    // one that writes is refused by a replica, and by a server out of memory, before anything runs.
    explicit script(std::string source, script_options options = {});

    // Both attempts within the one deadline. Errors are those of client::execute; NOSCRIPT is none.
    [[nodiscard]] boost::asio::awaitable<result<value>> run(client& through,
                                                            std::vector<std::string> keys,
                                                            std::vector<std::string> arguments,
                                                            call how) const;
    [[nodiscard]] result<value> run(blocking_client& through, std::span<const std::string> keys,
                                    std::span<const std::string> arguments, call how) const;

    // For pipelines, where NOSCRIPT stays among the values: nothing of that command has run. A
    // pipeline that begins with load() does not get it, unless scripts are flushed just then.
    [[nodiscard]] command load() const;
    [[nodiscard]] command command_by_sha(std::span<const std::string> keys,
                                         std::span<const std::string> arguments) const;
    // For transactions, which NOSCRIPT would leave half done.
    [[nodiscard]] command command_by_source(std::span<const std::string> keys,
                                            std::span<const std::string> arguments) const;

    [[nodiscard]] const std::string& source() const { return source_; }
    // SHA-1 of the source in 40 hexadecimal digits, as EVALSHA wants it.
    [[nodiscard]] const std::string& sha() const { return sha_; }

private:
    [[nodiscard]] std::optional<error> refuse(std::size_t keys) const;

    std::string source_;
    std::string sha_;
    script_options options_;
};

// With the reply read. `name` says what the script is, for the error of a reply of another kind; of
// static storage.
template <class T>
[[nodiscard]] boost::asio::awaitable<result<T>> run(client& through, const script& what,
                                                    std::vector<std::string> keys,
                                                    std::vector<std::string> arguments,
                                                    std::string_view name, reply_reader<T> reader,
                                                    call how) {
    auto reply = co_await what.run(through, std::move(keys), std::move(arguments), how);
    co_return read_reply(name, reader, std::move(reply));
}

template <class T>
[[nodiscard]] result<T> run(blocking_client& through, const script& what,
                            std::span<const std::string> keys,
                            std::span<const std::string> arguments, std::string_view name,
                            const reply_reader<T>& reader, call how) {
    return read_reply(name, reader, what.run(through, keys, arguments, how));
}

}  // namespace headroom::redis
