// SPDX-License-Identifier: Apache-2.0
#include "redis/script.hpp"

#include <openssl/evp.h>

#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "redis/core/script_call.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

std::string sha1_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    HEADROOM_ASSERT(done == 1, "OpenSSL cannot compute SHA-1");
    return to_hex(std::as_bytes(std::span(digest).first(size)));
}

bool must_be_sent(const result<value>& reply) {
    if (reply) return false;
    const auto& [code, detail] = reply.error();
    const bool is_servers_word = code == redis_errc::server_error || code == redis_errc::refused;
    return is_servers_word && is_unknown_script(detail);
}

}  // namespace

script::script(std::string source, script_options options)
    : source_(std::move(source)), sha_(sha1_hex(source_)), options_(options) {}

std::optional<error> script::refuse(std::size_t keys) const {
    if (!options_.key_count || *options_.key_count == keys) return std::nullopt;
    return error{redis_errc::not_allowed, "the script " + sha_ + " takes " +
                                              std::to_string(*options_.key_count) +
                                              " keys and was given " + std::to_string(keys)};
}

asio::awaitable<result<value>> script::run(client& through, std::vector<std::string> keys,
                                           std::vector<std::string> arguments, call how) const {
    if (auto refusal = refuse(keys.size())) co_return std::unexpected(std::move(*refusal));
    auto by_sha = command_by_sha(keys, arguments);
    auto reply = co_await through.execute(std::move(by_sha), how);
    if (!must_be_sent(reply)) co_return reply;
    auto by_source = command_by_source(keys, arguments);
    co_return co_await through.execute(std::move(by_source), how);
}

result<value> script::run(blocking_client& through, std::span<const std::string> keys,
                          std::span<const std::string> arguments, call how) const {
    if (auto refusal = refuse(keys.size())) return std::unexpected(std::move(*refusal));
    auto reply = through.execute(command_by_sha(keys, arguments), how);
    if (!must_be_sent(reply)) return reply;
    return through.execute(command_by_source(keys, arguments), how);
}

command script::load() const {
    return command("SCRIPT", std::string_view("LOAD"), source_);
}

command script::command_by_sha(std::span<const std::string> keys,
                               std::span<const std::string> arguments) const {
    return script_command(options_.is_read_only ? "EVALSHA_RO" : "EVALSHA", sha_, keys, arguments);
}

command script::command_by_source(std::span<const std::string> keys,
                                  std::span<const std::string> arguments) const {
    return script_command(options_.is_read_only ? "EVAL_RO" : "EVAL", source_, keys, arguments);
}

}  // namespace headroom::redis
