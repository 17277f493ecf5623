// SPDX-License-Identifier: Apache-2.0
// Requests out of the bytes of one connection, which come in any pieces: framing, limits, and what
// must be refused. No I/O, no time. The only file that sees Beast is its .cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "chat/http/message.hpp"

namespace headroom::chat::http {

enum class reading : std::uint8_t {
    needs_more,
    expects_continue,  // the client waits for "100 Continue" before it sends the body; told once
    complete,          // take() it
    refused,           // nothing that follows can be trusted: answer refusal(), then close
};

class request_reader {
public:
    struct limits {
        std::size_t header_bytes_max = 16 * 1024;
        std::size_t body_bytes_max = 128 * 1024;
    };

    request_reader(limits bounds, std::string peer);
    ~request_reader();
    request_reader(const request_reader&) = delete;
    request_reader& operator=(const request_reader&) = delete;

    // Adds bytes and reads on.
    [[nodiscard]] reading push(std::string_view bytes);
    // Reads on in what is there: after expects_continue, and after take() for a pipelined request.
    [[nodiscard]] reading proceed();

    // After `complete`; the next request may follow. keeps_alive() speaks of the
    // request that was taken last.
    [[nodiscard]] request take();
    [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }
    [[nodiscard]] const response& refusal() const { return refusal_; }
    // No byte of a next request is there.
    [[nodiscard]] bool is_between_requests() const;

private:
    struct parser;

    [[nodiscard]] reading refuse(unsigned status, std::string_view code, std::string_view message);
    [[nodiscard]] reading check_head();

    limits bounds_;
    std::string peer_;
    std::unique_ptr<parser> parser_;
    std::string held_;
    std::size_t read_ = 0;  // start of what the parser has not taken yet
    bool keeps_alive_ = true;
    bool refused_ = false;
    response refusal_;
};

}  // namespace headroom::chat::http
