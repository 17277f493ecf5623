// SPDX-License-Identifier: Apache-2.0
// Callers, connections that come and go, and a server with its own books and its own mind about
// rights: whatever the history, the book and the server agree in the end. A failure prints its
// seed.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "redis/core/subscription_book.hpp"

namespace headroom::redis {
namespace {

using kind = subscription_book::request_kind;
using refusal = subscription_book::refusal;
using standing = subscription_book::standing;
using key = std::pair<topic_kind, std::string>;

constexpr subscription_bounds bounds{
    .batch_names = 3, .batch_bytes = 60, .window_names = 7, .window_bytes = 150};

topic to_topic(const key& of) {
    return {of.first, of.second};
}

// One connection of the server's, and all that is on the way in either direction.
class model_server {
public:
    struct request {
        kind what;
        std::vector<key> names;
        std::uint64_t epoch = 0;  // of the connection it came by
    };
    struct reply {
        kind what;
        key name;
        std::uint64_t epoch = 0;
        refusal refused = refusal::lasting;
        bool is_error = false;
    };

    void accept(request r) { requests_.push_back(std::move(r)); }
    [[nodiscard]] bool has_requests() const { return !requests_.empty(); }
    [[nodiscard]] bool has_replies() const { return !replies_.empty(); }

    // Rights are looked at for the whole command before any of it is done.
    void execute() {
        const auto next = std::move(requests_.front());
        requests_.pop_front();
        const bool is_refused = is_busy || (next.what == kind::subscribe && !may(next.names));
        if (is_refused) {
            replies_.push_back(
                {next.what, {}, next.epoch, is_busy ? refusal::passing : refusal::lasting, true});
            return;
        }
        if (next.what == kind::ping) replies_.push_back({next.what, {}, next.epoch});
        for (const auto& name : next.names) {
            next.what == kind::subscribe ? (void)subscribed.insert(name)
                                         : (void)subscribed.erase(name);
            replies_.push_back({next.what, name, next.epoch});
        }
    }
    reply take_reply() {
        auto next = std::move(replies_.front());
        replies_.pop_front();
        return next;
    }
    // What it had said already may still be read by somebody: `late`.
    void lose_connection(std::vector<reply>& late) {
        late.insert(late.end(), replies_.begin(), replies_.end());
        requests_.clear();
        replies_.clear();
        subscribed.clear();
    }

    std::set<key> subscribed;
    std::set<key> forbidden;
    bool is_busy = false;

private:
    [[nodiscard]] bool may(const std::vector<key>& names) const {
        for (const auto& each : names) {
            if (forbidden.contains(each)) return false;
        }
        return true;
    }
    std::deque<request> requests_;
    std::deque<reply> replies_;
};

class world {
public:
    explicit world(std::uint32_t seed) : random_(seed) {}

    void run(int steps) {
        for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
            act();
            check();
        }
        quiet();
    }

private:
    struct unanswered {
        std::vector<key> names;  // of one command
        std::size_t due;
    };

    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random_() % bound);
    }
    key draw() {
        static constexpr std::array<const char*, 6> names{"a", "b", "c", "dddddddddd", "e", ""};
        return {static_cast<topic_kind>(below(2)), names[below(names.size())]};
    }

    void act() {
        switch (below(12)) {
            case 0:
            case 1:
            case 2: {
                const auto which = draw();
                ++references_[which];
                book_.add(to_topic(which));
                return;
            }
            case 3:
            case 4: {
                const auto which = draw();
                if (references_[which] > 0) --references_[which];
                book_.drop(to_topic(which));
                return;
            }
            case 5:
            case 6:
                return send();
            case 7:
            case 8:
                if (server_.has_requests()) server_.execute();
                return;
            case 9:
                return hear();
            case 10:
                hear_late();
                if (below(3) == 0) change_mind();
                return;
            default:
                if (below(6) == 0) is_connected_ ? lose() : connect();
        }
    }

    void connect() {
        is_connected_ = true;
        missing_.clear();
        for (const auto& [name, count] : references_) {
            if (count > 0) missing_.insert(name);
        }
        book_.on_connected();
    }
    void lose() {
        is_connected_ = false;
        book_.on_lost();
        late_.clear();
        asked_.clear();
        refused_.clear();
        server_.lose_connection(late_);
        due_ = 0;
    }
    void change_mind() {
        const auto which = draw();
        if (!server_.forbidden.erase(which)) server_.forbidden.insert(which);
        server_.is_busy = below(4) == 0;
    }

    void send() {
        if (below(5) == 0 && is_connected_) {
            book_.on_ping_sent();
            server_.accept({kind::ping, {}, book_.epoch()});
            asked_.push_back({{}, 1});
            return;
        }
        subscription_book::batch batch;
        if (!book_.take_batch(batch)) return;
        EXPECT_TRUE(is_connected_);
        EXPECT_GE(batch.names.size(), 1U);
        EXPECT_LE(batch.names.size(), bounds.batch_names);
        model_server::request asked{batch.kind, {}, book_.epoch()};
        for (const auto name : batch.names)
            asked.names.emplace_back(batch.of, std::string(name));
        due_ += batch.names.size();
        EXPECT_LE(due_, bounds.window_names);
        asked_.push_back({asked.names, asked.names.size()});
        server_.accept(std::move(asked));
    }

    void hear() {
        if (!server_.has_replies()) return;
        const auto reply = server_.take_reply();
        ASSERT_EQ(reply.epoch, book_.epoch());
        const auto asked = asked_.front();
        if (reply.is_error || --asked_.front().due == 0) asked_.pop_front();
        if (reply.is_error) {
            if (reply.refused == refusal::lasting && asked.names.size() == 1)
                refused_.insert(asked.names.front());
            const auto told = book_.on_refused(reply.refused);
            ASSERT_TRUE(told.has_value());
            EXPECT_EQ(told->kind, reply.what);
        } else {
            ASSERT_TRUE(book_.on_confirmed(reply.what, to_topic(reply.name)).has_value());
        }
        due_ = book_.names_due();
    }

    // By its epoch it is known, and without a connection it is nobody's answer anyway.
    void hear_late() {
        if (late_.empty()) return;
        const auto reply = late_.back();
        late_.pop_back();
        EXPECT_NE(reply.epoch, book_.epoch());
        if (is_connected_) return;
        EXPECT_FALSE(reply.is_error
                         ? book_.on_refused(reply.refused).has_value()
                         : book_.on_confirmed(reply.what, to_topic(reply.name)).has_value());
    }

    void check() {
        std::size_t wanted = 0;
        std::size_t open = 0;
        for (const auto& [name, count] : references_) {
            const auto is = book_.of(to_topic(name));
            EXPECT_EQ(is == standing::unknown, count == 0) << name.second;
            if (count == 0) {
                missing_.erase(name);
                continue;
            }
            ++wanted;
            if (is == standing::pending) {
                ++open;
            } else {
                missing_.erase(name);
            }
            if (is == standing::denied) EXPECT_TRUE(refused_.contains(name));
            if (is == standing::confirmed) EXPECT_TRUE(server_.subscribed.contains(name));
        }
        EXPECT_EQ(book_.count(), wanted);
        EXPECT_EQ(book_.is_settled(), is_connected_ && open == 0);
        EXPECT_EQ(book_.is_restored(), is_connected_ && missing_.empty());
    }

    // Nobody changes anything any more: soon the server delivers what is wanted and allowed, and no
    // more.
    void quiet() {
        server_.is_busy = false;
        if (!is_connected_) connect();
        settle();
        EXPECT_TRUE(book_.is_settled());
        std::size_t wanted = 0;
        for (const auto& [name, count] : references_) {
            if (count > 0) ++wanted;
            const bool is_denied = book_.of(to_topic(name)) == standing::denied;
            EXPECT_EQ(server_.subscribed.contains(name), count > 0 && !is_denied) << name.second;
        }
        EXPECT_EQ(book_.known(), wanted) << "nothing is kept of what is no longer wanted";
        // A new connection meets the rights of now.
        lose();
        connect();
        settle();
        for (const auto& [name, count] : references_) {
            EXPECT_EQ(server_.subscribed.contains(name),
                      count > 0 && !server_.forbidden.contains(name))
                << name.second;
        }
    }
    void settle() {
        for (int turn = 0; turn < 1'000 && !is_quiet(); ++turn) {
            send();
            if (server_.has_requests()) server_.execute();
            hear();
            check();
        }
        EXPECT_TRUE(is_quiet()) << "still asking";
    }
    [[nodiscard]] bool is_quiet() const {
        return !book_.has_requests() && !server_.has_requests() && !server_.has_replies() &&
               !book_.is_answer_due();
    }

    std::mt19937 random_;
    subscription_book book_{bounds};
    model_server server_;
    std::map<key, int> references_;
    std::set<key> missing_;  // wanted at connect, not settled since
    std::deque<unanswered> asked_;
    std::set<key> refused_;                  // by itself and for good, on this connection
    std::vector<model_server::reply> late_;  // of the last connection that was lost
    std::size_t due_ = 0;
    bool is_connected_ = false;
};

TEST(SubscriptionSimulation, AgreesWithTheServerAfterAnyHistory) {
    for (std::uint32_t seed = 1; seed <= 3'000 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        world(seed).run(150);
    }
}

}  // namespace
}  // namespace headroom::redis
