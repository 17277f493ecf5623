// SPDX-License-Identifier: Apache-2.0
// What a new connection says first, and what to make of each answer: protocol, credentials, name,
// database. Names set here survive reconnects because they are said again on each. Not the sending.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "redis/core/command.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

struct handshake_request {
    std::string username;  // empty: the default user
    std::string password;  // empty: no AUTH
    std::string name;      // for CLIENT LIST; visible ASCII without spaces
    std::uint32_t database = 0;
};

class handshake {
public:
    enum class state : std::uint8_t {
        asking,    // send commands(), then tell on_replies()
        done,      // protocol() is set
        rejected,  // credentials or rights: trying again cannot help
        failed,    // anything else; the connection may be half entered, so it must be closed
    };

    explicit handshake(handshake_request request);

    [[nodiscard]] state current() const { return state_; }
    // To be written in one go.
    [[nodiscard]] const std::vector<command>& commands() const { return commands_; }
    // One reply for each of commands(), in order.
    void on_replies(std::span<const value> replies);

    [[nodiscard]] int protocol() const { return protocol_; }
    // Why it was rejected or failed, with the server's words. Holds no credentials.
    [[nodiscard]] const std::string& reason() const { return reason_; }

private:
    void ask_resp3();
    void ask_resp2();
    void fail(const command& at, const value& reply);

    handshake_request request_;
    state state_ = state::asking;
    int protocol_ = 3;
    std::vector<command> commands_;
    std::string reason_;
};

}  // namespace headroom::redis
