// SPDX-License-Identifier: Apache-2.0
// Callers add and drop channels, a server confirms and refuses, connections come and go: the book
// says of each channel what is so, and in the end the server delivers what is wanted and no more.
//
// Input: a byte for each act, then what that act needs.
#include "redis/core/subscription_book.hpp"

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "fuzz/fuzz_input.hpp"

namespace headroom::fuzz {

namespace {

using redis::subscription_book;
using kind = subscription_book::request_kind;
using standing = subscription_book::standing;

class world {
public:
    void act(fuzz_input& input) {
        switch (input.take_below(8)) {
            case 0:
                add(channel(input));
                break;
            case 1:
                drop(channel(input));
                break;
            case 2:
                input.take_bool() ? connect() : lose();
                break;
            case 3:
                ask(1 + input.take_below(4));
                break;
            case 4:
                answer();
                break;
            case 5:
                refuse();
                break;
            case 6:
                ping();
                break;
            default:
                answer_wrongly(channel(input));
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
        std::set<std::string> wanted;
        for (const auto& [name, count] : references_) {
            if (count == 0) continue;
            wanted.insert(name);
            HEADROOM_ASSERT(book_.of(name) == standing::confirmed, "confirmed by its answer");
        }
        HEADROOM_ASSERT(delivered_ == wanted, "the server delivers what is wanted and no more");
    }

private:
    void settle() {
        if (!is_connected_) return;
        while (book_.has_requests() || !due_.empty()) {
            ask(3);
            answer();
        }
        HEADROOM_ASSERT(book_.is_settled(), "settled when all is answered");
        check();
    }

    static std::string channel(fuzz_input& input) {
        constexpr std::array<const char*, 4> names{"chat:1", "chat:2", "", "relay"};
        return names[input.take_below(names.size())];
    }

    void add(const std::string& name) {
        book_.add(name);
        ++references_[name];
    }
    void drop(const std::string& name) {
        book_.drop(name);
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

    void ask(std::size_t count_max) {
        const auto requests = book_.take_requests(count_max);
        HEADROOM_ASSERT(requests.size() <= count_max, "no more than may be sent");
        HEADROOM_ASSERT(requests.empty() || is_connected_, "nothing is sent without a connection");
        due_.insert(due_.end(), requests.begin(), requests.end());
    }
    void ping() {
        if (!is_connected_) return;
        book_.on_ping_sent();
        due_.push_back({kind::ping, {}});
    }

    void answer() {
        if (due_.empty()) return;
        const auto next = due_.front();
        due_.pop_front();
        if (next.kind == kind::subscribe) delivered_.insert(next.channel);
        if (next.kind == kind::unsubscribe) delivered_.erase(next.channel);
        HEADROOM_ASSERT(book_.on_confirmed(next.kind, next.channel), "the answer that was due");
    }
    void refuse() {
        const auto refused = book_.on_denied();
        HEADROOM_ASSERT(refused.has_value() == !due_.empty(), "something was due to refuse");
        if (!refused) return;
        HEADROOM_ASSERT(*refused == due_.front(), "the oldest is the one refused");
        if (delivered_.contains(refused->channel)) kept_.insert(refused->channel);
        due_.pop_front();
    }
    // An answer of another connection's, or nobody's: told, and the connection ends.
    void answer_wrongly(const std::string& name) {
        const subscription_book::request wrong{kind::subscribe, name};
        if (!due_.empty() && due_.front() == wrong) return;
        HEADROOM_ASSERT(!book_.on_confirmed(wrong.kind, wrong.channel), "not what was due");
        lose();
    }

    void check() const {
        std::size_t wanted = 0;
        std::size_t open = 0;
        for (const auto& [name, count] : references_) {
            const auto is = book_.of(name);
            HEADROOM_ASSERT((count == 0) == (is == standing::unknown), "wanted ones are known");
            if (count == 0) continue;
            ++wanted;
            if (is == standing::pending) ++open;
            if (is == standing::confirmed) {
                HEADROOM_ASSERT(delivered_.contains(name), "confirmed: the server delivers it");
            }
        }
        HEADROOM_ASSERT(book_.channel_count() == wanted, "as many as are wanted");
        HEADROOM_ASSERT(book_.is_settled() == (is_connected_ && open == 0), "settled as it says");
    }

    subscription_book book_;
    std::map<std::string, std::size_t> references_;
    std::deque<subscription_book::request> due_;
    std::set<std::string> delivered_;  // by the server, on this connection
    std::set<std::string> kept_;       // it refused a request about them and delivers them
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
