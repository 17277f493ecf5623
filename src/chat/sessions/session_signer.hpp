// SPDX-License-Identifier: Apache-2.0
// Session tokens nobody can make up: 128 random bits and their HMAC-SHA256, verified without
// look-up. The id is what the service stores and what events carry; the token is what a client
// shows. Not where a token is carried: that is session_gate.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace headroom::chat {

struct session {
    std::string id;     // 32 hex digits
    std::string token;  // "<id>.<64 hex digits>"
};

class session_signer {
public:
    explicit session_signer(secret key) : key_(std::move(key)) {}

    [[nodiscard]] session make() const;
    // Empty when the token is not one of ours. Takes the same time wherever it differs.
    [[nodiscard]] std::optional<session> verify(std::string_view token) const;

private:
    [[nodiscard]] std::string token_of(std::string_view id) const;
    secret key_;
};

}  // namespace headroom::chat
