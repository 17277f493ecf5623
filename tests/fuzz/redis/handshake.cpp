// SPDX-License-Identifier: Apache-2.0
// Any replies to a handshake: it is done only when each command was answered as it should be, and
// its reason never holds the password, whatever the server says.
//
// Input: a byte of what is asked for (bit 0 a user, 1 a password, 2 a name, 3 a database), then the
// replies as a stream.
#include "redis/core/handshake.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "redis/core/resp_parser.hpp"

namespace headroom::fuzz {

namespace {

using redis::handshake;
using redis::value;

// Also in the dictionary, so that servers say it.
constexpr std::string_view password = "hunter2-Sekrit-42";

// As many values as were asked for, or fewer where the stream ends.
std::vector<value> take_replies(redis::resp_parser& parser, std::string_view& stream,
                                std::size_t count) {
    std::vector<value> replies;
    while (replies.size() < count) {
        auto parsed = parser.next(stream);
        if (!parsed || !parsed->has_value()) break;
        replies.push_back(std::move(**parsed));
    }
    return replies;
}

bool is_answer_of(const redis::command& what, const value& reply) {
    if (what.name() == "HELLO") return reply.kind == redis::value_kind::map;
    return reply.is_string() && reply.text == "OK";
}

void check_end(const handshake& entering, std::size_t proper, std::size_t asked) {
    using state = handshake::state;
    const bool is_done = entering.current() == state::done;
    if (entering.current() == state::asking) {
        HEADROOM_ASSERT(entering.protocol() == 2 && !entering.commands().empty(),
                        "what is asked again is asked in RESP2");
        return;
    }
    if (entering.protocol() == 2 && is_done && entering.commands().empty()) return;
    HEADROOM_ASSERT(is_done == (proper == asked), "done by proper answers only, and by them");
    HEADROOM_ASSERT(is_done == entering.reason().empty(), "a refusal has a reason");
}

void run(fuzz_input input) {
    const auto wants = input.take_byte();
    handshake entering({.username = (wants & 1U) != 0 ? "chat" : "",
                        .password = (wants & 2U) != 0 ? std::string(password) : "",
                        .name = (wants & 4U) != 0 ? "chat:h:1:async" : "",
                        .database = (wants & 8U) != 0 ? 7U : 0U});
    auto stream = input.rest();
    redis::resp_parser parser;
    std::size_t rounds = 0;
    while (entering.current() == handshake::state::asking) {
        HEADROOM_ASSERT(++rounds <= 2, "RESP3, then RESP2, then an end");
        const auto asked = entering.commands();
        const auto replies = take_replies(parser, stream, asked.size());
        if (replies.size() < asked.size()) return;
        std::size_t proper = 0;
        while (proper < asked.size() && is_answer_of(asked[proper], replies[proper]))
            ++proper;
        entering.on_replies(replies);
        check_end(entering, proper, asked.size());
    }
    const bool has_password = (wants & 2U) != 0;
    HEADROOM_ASSERT(!has_password || !entering.reason().contains(password),
                    "a reason holds no password");
    HEADROOM_ASSERT(entering.reason().size() < 500, "a reason is a line, not a page");
}

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::run(headroom::fuzz::fuzz_input(bytes, size));
    return 0;
}
