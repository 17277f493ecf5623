// SPDX-License-Identifier: Apache-2.0
// Runs typed commands: `co_await run(client, commands::get("key"), call)` gives
// result<optional<string>>. A reply of another kind is unexpected_reply, which names the command.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/core/reply_reader.hpp"
#include "redis/core/typed_commands.hpp"

namespace headroom::redis {

// "GET answered an array of 3 where a string or nothing was expected".
[[nodiscard]] error unexpected_kind(std::string_view name, std::string_view expected,
                                    const value& reply);
// As execute() would have given it.
[[nodiscard]] error to_server_error(value reply);

// Of a reply that has come already: one value of a pipeline, a transaction or a script. A server
// error is the error. `name` is for the error's text.
template <class T>
[[nodiscard]] result<T> read_reply(std::string_view name, const reply_reader<T>& reader,
                                   value reply) {
    if (reply.is_error()) return std::unexpected(to_server_error(std::move(reply)));
    auto read = reader.read(reply);
    if (!read) return std::unexpected(unexpected_kind(name, reader.expected, reply));
    return std::move(*read);
}

template <class T>
[[nodiscard]] result<T> read_reply(std::string_view name, const reply_reader<T>& reader,
                                   result<value> reply) {
    if (!reply) return std::unexpected(std::move(reply.error()));
    return read_reply(name, reader, std::move(*reply));
}

template <class T>
[[nodiscard]] boost::asio::awaitable<result<T>> run(client& through, typed_command<T> typed,
                                                    call how) {
    auto reply = co_await through.execute(std::move(typed.what), how);
    co_return read_reply(typed.name, typed.reader, std::move(reply));
}

template <class T>
[[nodiscard]] boost::asio::awaitable<result<T>> run(exclusive_connection& on,
                                                    typed_command<T> typed, deadline by) {
    auto reply = co_await on.execute(std::move(typed.what), by);
    co_return read_reply(typed.name, typed.reader, std::move(reply));
}

template <class T>
[[nodiscard]] result<T> run(blocking_client& through, const typed_command<T>& typed, call how) {
    return read_reply(typed.name, typed.reader, through.execute(typed.what, how));
}

}  // namespace headroom::redis
