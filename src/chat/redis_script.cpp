// SPDX-License-Identifier: Apache-2.0
#include "chat/redis_script.hpp"

#include <openssl/evp.h>

#include <array>
#include <span>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

std::string sha1_hex(const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    HEADROOM_ASSERT(done == 1, "OpenSSL cannot compute SHA-1");
    return to_hex(std::as_bytes(std::span(digest).first(size)));
}

redis::command call_of(std::string_view name, const std::string& script,
                       const std::vector<std::string>& keys,
                       const std::vector<std::string>& arguments) {
    redis::command what(name, script, std::to_string(keys.size()));
    for (const auto& key : keys)
        what.arg(key);
    for (const auto& argument : arguments)
        what.arg(argument);
    return what;
}

}  // namespace

redis_script::redis_script(std::string body) : body_(std::move(body)), digest_(sha1_hex(body_)) {}

asio::awaitable<result<redis::value>> redis_script::run(redis::client& through,
                                                        std::vector<std::string> keys,
                                                        std::vector<std::string> arguments,
                                                        redis::call how) const {
    auto answer = co_await through.execute(call_of("EVALSHA", digest_, keys, arguments), how);
    if (answer || !answer.error().detail.starts_with("NOSCRIPT")) co_return answer;
    co_return co_await through.execute(call_of("EVAL", body_, keys, arguments), how);
}

}  // namespace headroom::chat
