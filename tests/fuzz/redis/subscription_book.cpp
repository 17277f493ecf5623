// SPDX-License-Identifier: Apache-2.0
// Callers add and drop channels and patterns, a server confirms and refuses, connections come and
// go: the book says of each channel what is so, and in the end the server delivers what is wanted
// and no more.
//
// Input: a byte for each act, then what that act needs.
#include "redis/core/subscription_book.hpp"

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "fuzz/fuzz_input.hpp"

namespace headroom::fuzz {

namespace {

using redis::subscription_book;
using redis::topic_kind;
using kind = subscription_book::request_kind;
using refusal = subscription_book::refusal;
using standing = subscription_book::standing;
using key = std::pair<topic_kind, std::string>;

constexpr redis::subscription_bounds bounds{.batch_names = 3, .window_names = 7};

class world {
public:
    void act(fuzz_input& input) {
        switch (input.take_below(8)) {
            case 0:
                add(draw(input));
                break;
            case 1:
                drop(draw(input));
                break;
            case 2:
                input.take_bool() ? connect() : lose();
                break;
            case 3:
                ask();
                break;
            case 4:
                answer();
                break;
            case 5:
                refuse(input.take_bool() ? refusal::passing : refusal::lasting);
                break;
            case 6:
                ping();
                break;
            default:
                answer_wrongly(draw(input));
        }
        check();
    }

    void end() {
        // What is under way on this connection is answered.
        settle();
        for (const auto& name : delivered_) {
            HEADROOM_ASSERT(references_[name] > 0 || kept_.contains(name),
                            "what is not wanted is not delivered, unless the server insists");
        }
        // On a new one, which refuses nothing.
        lose();
        connect();
        settle();
        HEADROOM_ASSERT(book_.is_restored(), "and so nothing is missed");
        std::set<key> wanted;
        for (const auto& [name, count] : references_) {
            if (count == 0) continue;
            wanted.insert(name);
            HEADROOM_ASSERT(book_.of(to_topic(name)) == standing::confirmed,
                            "confirmed by its answer");
        }
        HEADROOM_ASSERT(delivered_ == wanted, "the server delivers what is wanted and no more");
    }

private:
    // One name of a command, or a PING.
    struct request {
        kind what;
        key name;
        std::size_t names = 0;  // of the command this is the first of; else 0
    };

    void settle() {
        if (!is_connected_) return;
        while (book_.has_requests() || !due_.empty()) {
            ask();
            answer();
        }
        HEADROOM_ASSERT(book_.is_settled(), "settled when all is answered");
        check();
    }

    static key draw(fuzz_input& input) {
        constexpr std::array<const char*, 4> names{"chat:1", "chat:2", "", "relay"};
        const auto which = input.take_below(2 * names.size());
        return {static_cast<topic_kind>(which % 2), names[which / 2]};
    }
    static redis::topic to_topic(const key& of) { return {of.first, of.second}; }

    void add(const key& name) {
        book_.add(to_topic(name));
        ++references_[name];
    }
    void drop(const key& name) {
        book_.drop(to_topic(name));
        auto& count = references_[name];
        if (count > 0) --count;
    }
    void connect() {
        if (is_connected_) return;
        is_connected_ = true;
        book_.on_connected();
    }
    void lose() {
        is_connected_ = false;
        delivered_.clear();
        kept_.clear();
        due_.clear();
        book_.on_lost();
    }

    void ask() {
        subscription_book::batch batch;
        if (!book_.take_batch(batch)) return;
        HEADROOM_ASSERT(is_connected_, "nothing is sent without a connection");
        HEADROOM_ASSERT(!batch.names.empty() && batch.names.size() <= bounds.batch_names,
                        "a command has its bounds");
        for (const auto name : batch.names)
            due_.push_back({batch.kind, {batch.of, std::string(name)}});
        due_[due_.size() - batch.names.size()].names = batch.names.size();
        HEADROOM_ASSERT(book_.names_due() <= bounds.window_names, "no more than may be unanswered");
    }
    void ping() {
        if (!is_connected_) return;
        book_.on_ping_sent();
        due_.push_back({kind::ping, {}, 1});
    }

    void answer() {
        if (due_.empty()) return;
        const auto next = due_.front();
        due_.pop_front();
        if (next.what == kind::subscribe) delivered_.insert(next.name);
        if (next.what == kind::unsubscribe) delivered_.erase(next.name);
        HEADROOM_ASSERT(book_.on_confirmed(next.what, to_topic(next.name)).has_value(),
                        "the answer that was due");
    }
    // The whole command, before any of it was answered.
    void refuse(refusal how) {
        const bool is_possible = !due_.empty() && due_.front().names > 0;
        const auto told = book_.on_refused(how);
        HEADROOM_ASSERT(told.has_value() == is_possible, "a command was due to refuse");
        if (!told) return;
        HEADROOM_ASSERT(told->kind == due_.front().what, "the oldest is the one refused");
        const auto names = static_cast<std::ptrdiff_t>(due_.front().names);
        // What passes is asked again.
        if (due_.front().what == kind::unsubscribe && how == refusal::lasting) {
            for (auto each = due_.begin(); each != due_.begin() + names; ++each) {
                if (delivered_.contains(each->name)) kept_.insert(each->name);
            }
        }
        due_.erase(due_.begin(), due_.begin() + names);
    }
    // An answer of another connection's, or nobody's: told, and the connection ends.
    void answer_wrongly(const key& name) {
        if (!due_.empty() && due_.front().what == kind::subscribe && due_.front().name == name)
            return;
        HEADROOM_ASSERT(!book_.on_confirmed(kind::subscribe, to_topic(name)).has_value(),
                        "not what was due");
        lose();
    }

    void check() const {
        std::size_t wanted = 0;
        std::size_t open = 0;
        for (const auto& [name, count] : references_) {
            const auto is = book_.of(to_topic(name));
            HEADROOM_ASSERT((count == 0) == (is == standing::unknown), "wanted ones are known");
            if (count == 0) continue;
            ++wanted;
            if (is == standing::pending) ++open;
            if (is == standing::confirmed) {
                HEADROOM_ASSERT(delivered_.contains(name), "confirmed: the server delivers it");
            }
        }
        HEADROOM_ASSERT(book_.count() == wanted, "as many as are wanted");
        HEADROOM_ASSERT(book_.is_settled() == (is_connected_ && open == 0), "settled as it says");
    }

    subscription_book book_{bounds};
    std::map<key, std::size_t> references_;
    std::deque<request> due_;
    std::set<key> delivered_;  // by the server, on this connection
    std::set<key> kept_;       // delivered, and it may not be given up
    bool is_connected_ = false;
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
