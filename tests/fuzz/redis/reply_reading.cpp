// SPDX-License-Identifier: Apache-2.0
// Any reply to whoever makes something of one: the table of server errors, the state of a lease,
// the readers of the typed commands, the role of a server, sentinels. None of them may trust its
// form.
//
// Input: a byte that chooses commands of the lease, then the replies as a stream.
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "fuzz/fuzz_input.hpp"
#include "redis/core/command_traits.hpp"
#include "redis/core/reply_reader.hpp"
#include "redis/core/resp_parser.hpp"
#include "redis/core/role_check.hpp"
#include "redis/core/sentinel_watch.hpp"
#include "redis/core/server_reactions.hpp"
#include "redis/redis_error.hpp"

namespace headroom::fuzz {

namespace {

using redis::command;
using redis::value;

// An unhurried line for a log: nothing that moves a terminal's cursor, nothing without end.
void check_line(std::string_view text) {
    HEADROOM_ASSERT(text.size() <= 1000, "a sentence is no page");
    for (const char c : text)
        HEADROOM_ASSERT(static_cast<unsigned char>(c) >= ' ' && c != '\x7f', "one readable line");
}

void read_message(const std::string& text) {
    const auto code = redis::classify_server_error(text);
    const auto result = redis::outcome_of_message(text);
    HEADROOM_ASSERT((code == redis::redis_errc::refused) == (result == redis::outcome::refused),
                    "the code says what the outcome says");
    if (text.contains("on @user_script")) {
        HEADROOM_ASSERT(result != redis::outcome::refused, "a script has begun");
    }
    const auto* reaction = redis::reaction_to(text);
    HEADROOM_ASSERT(reaction == nullptr || text.starts_with(reaction->word),
                    "a reaction is to the message's own words");
    HEADROOM_ASSERT(result != redis::outcome::refused || reaction != nullptr,
                    "only what the table knows is refused");
}

template <class T>
void read_as(const redis::reply_reader<T>& reader, const value& reply) {
    auto copy = reply;
    const auto read = reader.read(copy);
    HEADROOM_ASSERT(!reply.is_error() || !read, "an error is read as nothing");
    HEADROOM_ASSERT(!reader.expected.empty(), "what is expected has a name");
}

void read_typed(const value& reply) {
    namespace readers = redis::reply;
    read_as(readers::integer, reply);
    read_as(readers::count, reply);
    read_as(readers::flag, reply);
    read_as(readers::is_done, reply);
    read_as(readers::text, reply);
    read_as(readers::digits, reply);
    read_as(readers::items, reply);
    read_as(readers::optional_text, reply);
    read_as(readers::texts, reply);
    read_as(readers::optional_texts, reply);
    read_as(readers::fields, reply);
    read_as(readers::lifetime, reply);
    read_as(readers::entries, reply);
    read_as(readers::pages, reply);
    read_as(readers::time, reply);
    read_as(readers::role, reply);
    check_line(redis::describe_kind(reply));
}

// A plain command leaves a lease as it was, whatever the reply to it.
void check_session(redis::session_state& session, const value& reply, std::size_t choice) {
    static const std::array<command, 7> commands{
        command("MULTI"),   command("EXEC"),     command("WATCH", "k"), command("DISCARD"),
        command("UNWATCH"), command("GET", "k"), command("SELECT", 1),
    };
    const auto& what = commands[choice % commands.size()];
    const bool was_clean = session.is_clean();
    session.on_reply(what, reply);
    if (redis::effect_of(what) == redis::command_effect::none) {
        HEADROOM_ASSERT(session.is_clean() == was_clean, "a GET changes no session");
    }
    if (what.name() == "SELECT") {
        HEADROOM_ASSERT(!session.is_clean(), "whoever selects leaves a changed session");
    }
    if (what.name() == "MULTI" && !reply.is_error()) {
        HEADROOM_ASSERT(!session.is_clean(), "a transaction that has begun is not over");
    }
}

// One sentinel that says anything; time goes on with each step.
class sentinel {
public:
    void say(const value& reply) {
        for (int i = 0; i < 4; ++i) {
            now_ += std::chrono::milliseconds(700);
            const auto step = watch_.next(now_);
            if (std::holds_alternative<redis::sentinel_watch::dial>(step)) {
                watch_.on_connected(3);
            } else if (std::holds_alternative<redis::sentinel_watch::hang_up>(step)) {
                watch_.on_disconnected("hung up", now_);
            } else {
                break;
            }
        }
        if (watch_.connected_to()) watch_.on_value(reply, now_);
        HEADROOM_ASSERT(watch_.sentinel_count() <= 32,
                        "sentinels are believed in a bounded number");
        if (const auto primary = watch_.primary()) {
            HEADROOM_ASSERT(!primary->host.empty() && primary->port > 0, "an address one can dial");
        }
        check_line(watch_.describe_failure().substr(0, 1000));
    }

private:
    redis::sentinel_watch watch_{
        {.sentinels = {{"first", 26379}, {"second", 26379}}, .primary_name = "mymaster"}};
    clock::time_point now_{};
};

void run(fuzz_input input) {
    std::size_t choice = input.take_byte();
    redis::session_state session;
    sentinel told;
    redis::resp_parser parser;
    auto stream = input.rest();
    for (;;) {
        const auto parsed = parser.next(stream);
        if (!parsed || !parsed->has_value()) break;
        const value& reply = **parsed;
        if (reply.is_error() || reply.is_string()) read_message(reply.text);
        read_typed(reply);
        check_line(redis::check_role(reply).refusal);
        check_session(session, reply, choice);
        choice = choice * 5 + 3;
        told.say(reply);
    }
}

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::run(headroom::fuzz::fuzz_input(bytes, size));
    return 0;
}
