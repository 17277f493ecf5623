// SPDX-License-Identifier: Apache-2.0
#include "chat/sessions/session_signer.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "base/assert.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

namespace headroom::chat {

namespace {

constexpr std::size_t id_size = 32;
constexpr std::size_t mac_size = 32;
constexpr std::size_t token_size = id_size + 1 + 2 * mac_size;

bool is_id(std::string_view text) {
    return text.size() == id_size && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

}  // namespace

std::string session_signer::token_of(std::string_view id) const {
    const std::string signed_text = "headroom session " + std::string(id);
    std::array<std::byte, mac_size> mac{};
    unsigned size = 0;
    const auto* made =
        HMAC(EVP_sha256(), key_.reveal().data(), static_cast<int>(key_.reveal().size()),
             reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(),
             reinterpret_cast<unsigned char*>(mac.data()), &size);
    HEADROOM_ASSERT(made != nullptr && size == mac_size, "HMAC-SHA256 failed");
    return std::string(id) + '.' + to_hex(mac);
}

session session_signer::make() const {
    auto id = random_id();
    auto token = token_of(id);
    return {.id = std::move(id), .token = std::move(token)};
}

std::optional<session> session_signer::verify(std::string_view token) const {
    if (token.size() != token_size) return std::nullopt;
    const auto id = token.substr(0, id_size);
    if (!is_id(id)) return std::nullopt;
    auto expected = token_of(id);
    if (CRYPTO_memcmp(expected.data(), token.data(), token_size) != 0) return std::nullopt;
    return session{.id = std::string(id), .token = std::move(expected)};
}

}  // namespace headroom::chat
