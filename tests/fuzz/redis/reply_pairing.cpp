// SPDX-License-Identifier: Apache-2.0
// Callers expect replies, give up, and a server answers them in order, with pushes in between and
// its bytes in pieces: each caller gets its own replies or none, and a reply nobody expects is
// told.
//
// Input: a byte for each act, then what that act needs. The caller of an entry that was abandoned
// is freed at once, so that AddressSanitizer sees a reply that still goes to it.
#include "redis/core/reply_pairing.hpp"

#include <charconv>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "redis/core/resp_parser.hpp"

namespace headroom::fuzz {

namespace {

using redis::value;
using redis::value_kind;

struct caller {
    std::int64_t token_first = 0;
    std::size_t replies = 0;
    std::size_t filled = 0;
};

std::int64_t token_of(const value& reply) {
    switch (reply.kind) {
        case value_kind::integer:
            return reply.integer;
        case value_kind::array:
            HEADROOM_ASSERT(reply.items.size() == 2, "an array is read whole");
            return token_of(reply.items.back());
        default: {
            std::int64_t token = -1;
            std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), token);
            return token;
        }
    }
}

// One connection and what a bookkeeper who sees everything knows of it.
class connection {
public:
    void act(fuzz_input& input) {
        switch (input.take_below(8)) {
            case 0:
            case 1:
                expect(1 + input.take_below(40));
                break;
            case 2:
                abandon(input.take_byte());
                break;
            case 3:
                answer(input.take_byte());
                break;
            case 4:
                bytes_ += ">2\r\n+invalidate\r\n*1\r\n:7\r\n";
                break;
            case 5:
                deliver(input.take_byte());
                break;
            case 6:
                lose(input.take_bool());
                break;
            default:
                answer_unasked();
        }
        check();
    }

    // What is still under way comes, and nothing is left.
    void end() {
        while (!unanswered_.empty())
            answer(0);
        deliver(bytes_.size());
        HEADROOM_ASSERT(is_dead_ || pairing_.empty(), "every entry ends with its last reply");
        lose(true);
    }

private:
    struct entry {
        std::unique_ptr<caller> owner;  // null: gave up
        redis::reply_pairing<caller>::ticket ticket = 0;
        std::int64_t token = 0;  // of the next reply due
        std::size_t due = 0;
    };

    void expect(std::size_t replies) {
        if (is_dead_) return;
        entry e;
        e.owner = std::make_unique<caller>(caller{token_, replies, 0});
        e.token = token_;
        e.due = replies;
        e.ticket = pairing_.expect(*e.owner, replies);
        for (std::size_t i = 0; i < replies; ++i)
            unanswered_.push_back(token_++);
        entries_.push_back(std::move(e));
    }

    void abandon(std::size_t which) {
        if (entries_.empty()) return;
        auto& e = entries_[which % entries_.size()];
        if (e.owner == nullptr) return;
        pairing_.abandon(e.ticket);
        e.owner.reset();
    }

    void answer(std::size_t form) {
        if (unanswered_.empty()) return;
        const auto token = std::to_string(unanswered_.front());
        unanswered_.pop_front();
        switch (form % 4) {
            case 0:
                bytes_ += ":" + token + "\r\n";
                break;
            case 1:
                bytes_ += "$" + std::to_string(token.size()) + "\r\n" + token + "\r\n";
                break;
            case 2:
                bytes_ += "|1\r\n+ttl\r\n:1\r\n-" + token + "\r\n";
                break;
            default:
                // RESP3 puts a confirmation within an EXEC's reply.
                bytes_ += "*2\r\n>2\r\n+subscribe\r\n:1\r\n:" + token + "\r\n";
        }
    }

    // Seen before anything else is expected: later it could not be told from an answer.
    void answer_unasked() {
        if (!unanswered_.empty()) return;
        bytes_ += "+NOBODY\r\n";
        has_surplus_ = true;
        deliver(bytes_.size());
        HEADROOM_ASSERT(is_dead_, "a reply too many is told");
    }

    void deliver(std::size_t size) {
        if (is_dead_) return;
        const exact_copy piece(std::string_view(bytes_).substr(0, size));
        bytes_.erase(0, piece.view().size());
        auto input = piece.view();
        while (!is_dead_) {
            auto parsed = parser_.next(input);
            HEADROOM_ASSERT(parsed.has_value(), "what the server writes is well-formed");
            if (!parsed->has_value()) return;
            if ((*parsed)->kind != value_kind::push) dispatch(**parsed);
        }
    }

    void dispatch(const value& reply) {
        auto* const next = pairing_.next_owner();
        const auto turn = pairing_.take();
        HEADROOM_ASSERT(turn.has_value() == !entries_.empty(), "a turn for who is expected");
        if (!turn) {
            HEADROOM_ASSERT(has_surplus_, "only a reply too many is nobody's");
            is_dead_ = true;
            return;
        }
        auto& front = entries_.front();
        HEADROOM_ASSERT(turn->owner == front.owner.get() && next == turn->owner,
                        "the reply is of the oldest entry");
        HEADROOM_ASSERT(token_of(reply) == front.token++, "its own reply");
        HEADROOM_ASSERT(turn->is_last == (--front.due == 0), "the last one is known as such");
        if (turn->owner != nullptr) ++turn->owner->filled;
        if (front.due > 0) return;
        if (front.owner) {
            HEADROOM_ASSERT(front.owner->filled == front.owner->replies, "all of them");
        }
        entries_.pop_front();
    }

    // The connection ends; the next one begins with the same bookkeeping.
    void lose(bool shrinks) {
        for (auto& e : entries_) {
            if (e.owner == nullptr) continue;
            HEADROOM_ASSERT(pairing_.take_remaining() == e.owner.get(), "the oldest first");
        }
        HEADROOM_ASSERT(pairing_.take_remaining() == nullptr, "and nobody else");
        entries_.clear();
        unanswered_.clear();
        bytes_.clear();
        parser_ = redis::resp_parser();
        has_surplus_ = false;
        is_dead_ = false;
        if (shrinks) pairing_.shrink();
    }

    void check() {
        std::size_t due = 0;
        std::vector<caller*> waiting;
        for (const auto& e : entries_) {
            due += e.due;
            if (e.owner) waiting.push_back(e.owner.get());
        }
        HEADROOM_ASSERT(pairing_.due() == due, "as many replies due");
        HEADROOM_ASSERT(pairing_.empty() == entries_.empty(), "empty with the last one");
        std::vector<caller*> seen;
        pairing_.for_each_owner([&seen](caller& each) { seen.push_back(&each); });
        HEADROOM_ASSERT(seen == waiting, "those who wait, oldest first");
    }

    redis::reply_pairing<caller> pairing_;
    redis::resp_parser parser_;
    std::deque<entry> entries_;
    std::deque<std::int64_t> unanswered_;  // by the server
    std::string bytes_;                    // on their way from the server
    std::int64_t token_ = 0;
    bool has_surplus_ = false;  // a reply too many is among bytes_
    bool is_dead_ = false;
};

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::fuzz_input input(bytes, size);
    headroom::fuzz::connection at_hand;
    while (!input.empty())
        at_hand.act(input);
    at_hand.end();
    return 0;
}
