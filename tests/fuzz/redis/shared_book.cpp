// SPDX-License-Identifier: Apache-2.0
// Threads share one connection through shared_book. Each command is an ECHO of a token of its own,
// the server answers the bytes it was sent and no others: each call ends once, with its own tokens
// or with a failure that is true of it.
//
// Input: a byte for each act, then what that act needs.
#include "redis/core/shared_book.hpp"

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "fuzz/reference_parser.hpp"
#include "redis/core/resp_parser.hpp"

namespace headroom::fuzz {

namespace {

using redis::call_failure;
using redis::command;
using redis::shared_call;
using redis::value;

// A call as its thread has it.
struct thread_call {
    std::vector<command> commands;
    std::vector<value> replies;
    std::unique_ptr<shared_call> call;
};

class world {
public:
    void act(fuzz_input& input) {
        switch (input.take_below(8)) {
            case 0:
            case 1:
                begin(1 + input.take_below(5));
                break;
            case 2:
                encode();
                break;
            case 3:
                send(input.take_byte());
                break;
            case 4:
                answer(input.take_byte());
                break;
            case 5:
                give_up(input.take_byte());
                break;
            case 6:
                lose(input.take_bool());
                break;
            default:
                answer_unasked();
        }
        check();
    }

    void end() {
        encode();
        send(out_.size());
        answer(requests_.size());
        lose(false);
        HEADROOM_ASSERT(book_.empty(), "no call stays in a book of a lost connection");
    }

private:
    void begin(std::size_t count) {
        auto t = std::make_unique<thread_call>();
        for (std::size_t i = 0; i < count; ++i)
            t->commands.emplace_back("ECHO", token_++);
        t->replies.resize(count);
        t->call = std::make_unique<shared_call>(t->commands, t->replies.data(), deadline::max());
        book_.queue(*t->call);
        calls_.push_back(std::move(t));
    }

    void encode() {
        book_.encode_queued(out_);
        for (const auto& each : calls_)
            ends_.insert(each->call->begins_at + each->call->bytes);
    }

    void send(std::size_t size) {
        const auto piece = std::string_view(out_).substr(0, size);
        if (piece.empty()) return;
        book_.on_sent(piece.size());
        sent_ += piece.size();
        at_server_ += piece;
        out_.erase(0, piece.size());
        // The server sees what is whole; it reads with the parser that is not ours.
        const auto seen = read_stream(at_server_, {}, false);
        HEADROOM_ASSERT(seen.end != stream_end::malformed, "what is written is RESP");
        while (requests_seen_ < seen.values.size())
            requests_.push_back(seen.values[requests_seen_++].items.at(1).text);
    }

    void answer(std::size_t count) {
        for (; count > 0 && !requests_.empty(); --count) {
            value reply;
            reply.kind = redis::value_kind::string;
            reply.text = std::move(requests_.front());
            requests_.pop_front();
            redis::shared_call_list ended;
            const auto stray = book_.on_reply(std::move(reply), ended);
            HEADROOM_ASSERT(!stray, "an answer to what was asked is somebody's");
            collect(ended);
        }
    }

    // A reply nobody asked for: told as such, and the connection is lost. (While a call is sent in
    // part, a reply may be taken for one of its own: that call alone is cheated.)
    void answer_unasked() {
        if (!requests_.empty() || !ends_.contains(sent_)) return;
        value reply;
        reply.kind = redis::value_kind::error;
        reply.text = "ERR max number of clients reached";
        redis::shared_call_list ended;
        const auto stray = book_.on_reply(std::move(reply), ended);
        HEADROOM_ASSERT(stray && stray->is_error, "a reply to nobody is stray");
        while (auto* call = ended.pop_front()) {
            HEADROOM_ASSERT(call->failure.has_value(), "no call takes a stray reply for its own");
            forget(*call);
        }
        lose(true);
    }

    void give_up(std::size_t which) {
        if (calls_.empty()) return;
        auto& t = *calls_[which % calls_.size()];
        const bool was_queued = !t.call->is_encoded;
        book_.withdraw(*t.call, "its deadline has passed");
        HEADROOM_ASSERT(t.call->has_ended && t.call->failure, "who gave up has ended");
        const auto said = t.call->failure->what;
        HEADROOM_ASSERT(
            said == (was_queued ? call_failure::outcome::not_sent : call_failure::outcome::unknown),
            "what was queued was not sent; what was encoded, nobody knows");
        forget(*t.call);
    }

    void lose(bool is_nonsense) {
        const auto what =
            is_nonsense ? call_failure::outcome::nonsense : call_failure::outcome::unknown;
        redis::shared_call_list ended;
        auto unsent = book_.lose({what, "the connection is gone"}, ended);
        while (auto* call = ended.pop_front()) {
            HEADROOM_ASSERT(call->has_ended && call->failure && call->failure->what == what,
                            "who may have been heard is told so");
            HEADROOM_ASSERT(call->begins_at < sent_, "of who is so told, something was sent");
            forget(*call);
        }
        // On a new connection, or never: nothing of it has left.
        book_ = {};
        while (auto* call = unsent.pop_front()) {
            for (const auto& each : call->commands)
                HEADROOM_ASSERT(!at_server_.contains(std::string(each.argument(1)) + "\r\n"),
                                "what is said not to be sent never reached the server");
            forget(*call);
        }
        HEADROOM_ASSERT(calls_.empty(), "every call of a lost connection has ended or is unsent");
        out_.clear();
        at_server_.clear();
        requests_.clear();
        requests_seen_ = 0;
        sent_ = 0;
        ends_ = {0};
    }

    void collect(redis::shared_call_list& ended) {
        while (auto* call = ended.pop_front()) {
            HEADROOM_ASSERT(call->has_ended && !call->failure, "all replies: a good end");
            for (std::size_t i = 0; i < call->commands.size(); ++i) {
                HEADROOM_ASSERT(call->replies[i].text == call->commands[i].argument(1),
                                "each command gets its own token");
            }
            forget(*call);
        }
    }

    void forget(const shared_call& call) {
        const auto erased =
            std::erase_if(calls_, [&call](const auto& each) { return each->call.get() == &call; });
        HEADROOM_ASSERT(erased == 1, "a call ends once");
    }

    void check() const {
        std::size_t live = 0;
        for (const auto& each : calls_) {
            HEADROOM_ASSERT(!each->call->has_ended, "who has ended is told of");
            live += each->commands.size() - each->call->filled;
        }
        HEADROOM_ASSERT(book_.outstanding() >= live, "what is waited for is outstanding");
        HEADROOM_ASSERT(book_.empty() == (book_.outstanding() == 0), "empty: nothing outstanding");
        HEADROOM_ASSERT((book_.oldest() == nullptr) == calls_.empty(), "somebody reads for all");
    }

    redis::shared_book book_;
    std::vector<std::unique_ptr<thread_call>> calls_;  // those that have not ended
    std::string out_;                                  // encoded, not sent
    std::string at_server_;                            // all it was sent on this connection
    std::uint64_t sent_ = 0;
    std::set<std::uint64_t> ends_{0};  // where calls end in the stream, and its beginning
    std::size_t requests_seen_ = 0;
    std::deque<std::string> requests_;   // tokens the server has not echoed yet
    std::uint64_t token_ = 100'000'000;  // all of one length, none the end of another
};

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::fuzz_input input(bytes, size);
    headroom::fuzz::world at_hand;
    while (!input.empty())
        at_hand.act(input);
    at_hand.end();
    return 0;
}
