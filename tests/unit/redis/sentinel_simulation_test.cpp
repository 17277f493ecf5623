// SPDX-License-Identifier: Apache-2.0
// A world for the core that follows sentinels: virtual time, sentinels that die, lag, are silent
// or talk nonsense, primaries that are replaced, all drawn from a seed. It checks after every step
// that the core asks nobody it does not know, believes nobody's invention, takes no address that
// it was told to leave before a sentinel names it again, and does not go back to an older
// configuration; that it is never hurried nor asleep for long, however bad the world is; and that
// it finds the primary once the world is in order. A failure is a seed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>
#include <variant>

#include "drawn_sentinel.hpp"
#include "redis/core/sentinel_watch.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using watch = sentinel_watch;

constexpr int seeds = 3000;
constexpr int steps = 300;
// Once the world is in order: the longest pause, an answer that a silent peer owes from before, and
// a question of each sentinel.
constexpr auto found_within = 30s;
constexpr auto pause_min = 50ms;  // half of the shortest back-off
constexpr auto pause_max = 5s;    // between two questions when nothing is in doubt
constexpr int actions_without_time_max = 60;
constexpr int turns_to_find_max = 200;
// A world that stays out of order, where each step takes a round trip and pools dial at once: the
// pauses, which grow to one or two seconds, bound what the core does.
constexpr auto disorder = 20s;
constexpr auto round_trip = 1ms;
constexpr int actions_in_disorder_max = 300;

class world {
public:
    explicit world(std::uint64_t seed)
        : random_(seed),
          sentinels_(1 + below(4)),
          configured_(1 + below(sentinels_.size())),
          stays_(!chance(30)),
          watch_(options(seed)) {}

    void run() {
        for (int i = 0; i < steps && !failed(); ++i) {
            disturb();
            turn();
        }
        endure();
        settle();
    }

    [[nodiscard]] bool failed() const { return !why_.empty(); }
    [[nodiscard]] const std::string& why() const { return why_; }
    [[nodiscard]] std::uint64_t moves() const { return watch_.moves(); }
    [[nodiscard]] std::uint64_t failed_rounds() const { return watch_.failed_rounds(); }

private:
    struct server {
        bool is_up = true;
    };
    enum class link : std::uint8_t { none, dialling, connected };

    sentinel_watch_options options(std::uint64_t seed) {
        sentinel_watch_options given;
        for (std::size_t i = 0; i < configured_; ++i)
            given.sentinels.push_back(sentinel_at(i));
        for (std::size_t i = 0; i < configured_; ++i)
            known_.insert(key_of(sentinel_at(i)));
        given.primary_name = "shop";
        given.stays = stays_;
        given.seed = seed;
        return given;
    }

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }
    void require(bool holds, std::string_view what) {
        if (!holds && why_.empty()) why_ = what;
    }

    // --- What happens by itself ---

    void disturb() {
        auto& any = sentinels_[below(sentinels_.size())];
        switch (below(25)) {
            case 0:
                any.is_up = !any.is_up;
                if (!any.is_up && &any == peer()) cut("it died");
                return;
            case 1:
                any.is_silent = chance(30);
                return;
            case 2:
                any.knows_the_name = !chance(10);
                return;
            case 3:
                any.speaks_resp3 = chance(70);
                return;
            case 4:
                return fail_over();
            case 5:
            case 6:
            case 7:
                return learn(any);
            case 8:
                servers_[below(servers_.size())].is_up = !chance(20);
                return;
            case 9:
                if (link_ == link::connected) cut("reset");
                return;
            case 10:
                if (link_ == link::connected && chance(20)) {
                    is_muddled_ = true;
                    tell(text("nonsense"));
                }
                return;
            case 11:
            case 12:
                watch_.on_wanted();
                return;
            case 13:
            case 14:
                return dial_primary();
            case 15:
                any.tells_the_age = chance(70);
                return;
            default:
                now_ += std::chrono::milliseconds(below(chance(10) ? 6000 : 100));
                idle_actions_ = 0;
        }
    }

    void fail_over() {
        primary_ = below(servers_.size());
        servers_[primary_].is_up = true;
        ++epoch_;
        learn(sentinels_[below(sentinels_.size())]);
    }

    // The others hear of it some time later.
    void learn(drawn_sentinel& one) {
        if (!one.is_up || one.epoch == epoch_) return;
        const auto from = server_at(one.primary);
        one.primary = primary_;
        one.epoch = epoch_;
        if (&one != peer() || !is_subscribed_ || link_ != link::connected || one.is_silent) return;
        const auto to = server_at(primary_);
        if (watch_.connected_to()) named_.erase(key_of(from));  // else it has hung up already
        named_.insert(key_of(to));
        tell(switch_from(from, to));
    }

    // A pool dials what is believed; ROLE tells.
    void dial_primary() {
        const auto where = watch_.primary();
        if (!where) return watch_.on_wanted();
        require_named(*where);
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            if (server_at(i) != *where) continue;
            const auto end = !servers_[i].is_up ? watch::dial_end::unreachable
                             : i == primary_    ? watch::dial_end::entered
                                                : watch::dial_end::no_primary;
            has_entered_ = end == watch::dial_end::entered;
            if (!has_entered_) named_.erase(key_of(*where));
            watch_.on_dial_ended(*where, end, now_);
        }
    }

    // --- The driver ---

    [[nodiscard]] drawn_sentinel* peer() {
        return link_ == link::none ? nullptr : &sentinels_[peer_];
    }

    void cut(const char* why) {
        link_ = link::none;
        answers_.clear();
        is_subscribed_ = is_muddled_ = false;
        const auto rounds = watch_.failed_rounds();
        watch_.on_disconnected(why, now_);
        if (watch_.failed_rounds() > rounds) failed_at_ = now_;
    }

    void tell(const value& what) {
        const auto before = watch_.primary();
        watch_.on_value(what, now_);
        const auto after = watch_.primary();
        if (after && after != before) require_named(*after);
    }

    void require_named(const host_and_port& where) {
        require(named_.contains(key_of(where)),
                "it believes an address that nobody named, or not since it was demoted");
    }

    // Else whoever should answer is slower than the core's next step.
    [[nodiscard]] bool is_in_time() { return is_prompt_ || chance(70); }

    // Takes one step of the core, or lets one event of its connection happen.
    void turn() {
        if (link_ == link::dialling && is_in_time()) return end_dial();
        if (!answers_.empty() && !sentinels_[peer_].is_silent && is_in_time()) return answer_one();
        const auto rounds_before = watch_.failed_rounds();
        const auto step = watch_.next(now_);
        if (std::holds_alternative<watch::rest>(step))
            return require(answers_.empty(), "it waits for an answer without a deadline");
        if (const auto* pause = std::get_if<watch::wait>(&step)) {
            require(pause->until > now_, "it waits for what is past");
            require(pause->until - now_ <= pause_max, "it pauses for too long");
            if (chance(50)) return;
            now_ = pause->until;
            idle_actions_ = 0;
            return;
        }
        require(++idle_actions_ <= actions_without_time_max, "it loops without a pause");
        ++actions_;
        if (const auto* to = std::get_if<watch::dial>(&step)) return begin_dial(to->where);
        if (const auto* what = std::get_if<watch::send>(&step)) return take(what->what);
        require(link_ != link::none, "it hangs up on nobody");
        cut("hung up");
        require(watch_.failed_rounds() <= rounds_before + 1, "a round failed twice");
    }

    void begin_dial(const host_and_port& where) {
        require(link_ == link::none, "it holds more than one connection");
        require(now_ - failed_at_ >= pause_min,
                "it pauses for too short after a round that failed");
        require(known_.contains(key_of(where)), "it dials a sentinel that nobody named");
        link_ = link::dialling;
        for (std::size_t i = 0; i < sentinels_.size(); ++i) {
            if (sentinel_at(i) == where) peer_ = i;
        }
    }

    void end_dial() {
        const auto& to = sentinels_[peer_];
        if (!to.is_up || to.is_silent) return cut("refused");
        link_ = link::connected;
        protocol_ = to.speaks_resp3 ? 3 : 2;
        watch_.on_connected(protocol_);
    }

    void take(const std::vector<command>& what) {
        require(link_ == link::connected, "it sends to nobody");
        for (const auto& each : what) {
            std::string words(each.name());
            for (std::size_t i = 1; i < each.argument_count(); ++i)
                words += " " + std::string(each.argument(i));
            require(protocol_ == 3 || !is_subscribed_ || words == "PING",
                    "it asks on a RESP2 connection that is subscribed");
            if (words.starts_with("SUBSCRIBE")) is_subscribed_ = true;
            answers_.push_back(std::move(words));
        }
    }

    void answer_one() {
        const auto asked = std::move(answers_.front());
        answers_.pop_front();
        const auto& from = sentinels_[peer_];
        if (asked == "SENTINEL MASTER shop" && from.knows_the_name && from.tells_the_age)
            return tell_configuration(from);
        if (asked == "SENTINEL GET-MASTER-ADDR-BY-NAME shop" && from.knows_the_name) {
            asked_of_ = server_at(from.primary);
            named_.insert(key_of(*asked_of_));
        }
        if (asked == "SENTINEL SENTINELS shop" && from.knows_the_name) {
            for (std::size_t i = 0; i < sentinels_.size(); ++i)
                known_.insert(key_of(sentinel_at(i)));
        }
        tell(from.answer_to(asked, protocol_, peer_, sentinels_.size()));
    }

    void tell_configuration(const drawn_sentinel& from) {
        const auto rounds = watch_.failed_rounds();
        const auto epoch = from.epoch;
        tell(from.answer_to("SENTINEL MASTER shop", protocol_, peer_, sentinels_.size()));
        if (rounds != believed_in_round_) newest_believed_ = 0;  // all may know older ones only
        believed_in_round_ = rounds;
        const bool is_believed = asked_of_ && watch_.primary() == asked_of_ &&
                                 watch_.connected_to() == sentinel_at(peer_);
        if (!is_believed || is_muddled_) return;
        require(epoch >= newest_believed_, "it goes back to an older configuration");
        newest_believed_ = std::max(newest_believed_, epoch);
    }

    // --- In no order for a while ---

    // Nobody knows the newest primary, and some tell of any other and not of how old that is.
    void scatter() {
        primary_ = below(servers_.size());
        ++epoch_;
        for (auto& each : sentinels_) {
            if (chance(50)) continue;
            each.tells_the_age = false;
            each.primary = below(servers_.size());
        }
    }

    void endure() {
        if (chance(50)) scatter();
        is_prompt_ = true;
        actions_ = 0;
        const auto until = now_ + disorder;
        while (!failed() && now_ < until) {
            if (watch_.primary()) {
                dial_primary();
            } else {
                watch_.on_wanted();
            }
            turn();
            now_ += round_trip;
            idle_actions_ = 0;
            require(actions_ <= actions_in_disorder_max, "it is hurried by a world in disorder");
        }
        is_prompt_ = false;
    }

    // --- In order again ---

    void settle() {
        if (chance(20)) epoch_ = below(epoch_ + 1);  // SENTINEL RESET: the newest there is is older
        for (auto& each : servers_)
            each.is_up = true;
        for (auto& each : sentinels_) {
            each.is_up = each.knows_the_name = true;
            each.is_silent = false;
            learn(each);
            each.primary = primary_;  // whose age is the same by chance, too
        }
        const auto by = now_ + found_within;
        has_entered_ = false;
        int turns = 0;
        while (!failed() && !has_entered_) {
            require(++turns <= turns_to_find_max, "it takes too many steps to find the primary");
            require(now_ < by, "it has not found the primary of a world in order: " +
                                   watch_.describe_failure());
            dial_primary();
            turn();
            if (chance(20)) {
                now_ += 20ms;
                idle_actions_ = 0;
            }
        }
        // And stays with it.
        for (int i = 0; i < 100 && !failed(); ++i) {
            turn();
            const auto where = watch_.primary();
            require(!where || *where == server_at(primary_), "it leaves the primary it had found");
        }
    }

    std::mt19937_64 random_;
    std::vector<drawn_sentinel> sentinels_;
    std::size_t configured_;
    bool stays_;
    std::vector<server> servers_{3};
    std::size_t primary_ = 0;
    std::uint64_t epoch_ = 0;

    std::set<std::string> known_;  // sentinels, configured or told of
    std::set<std::string> named_;  // addresses of the primary, and not demoted since
    watch watch_;
    clock::time_point now_{};
    clock::time_point failed_at_ = clock::time_point() - 1h;

    link link_ = link::none;
    std::size_t peer_ = 0;
    int protocol_ = 3;
    bool is_subscribed_ = false;
    bool is_prompt_ = false;           // no answer is late
    bool is_muddled_ = false;          // an answer to nothing stands before the others
    std::deque<std::string> answers_;  // what was asked and is not answered
    std::optional<host_and_port> asked_of_;
    std::uint64_t newest_believed_ = 0;
    std::uint64_t believed_in_round_ = 0;
    int idle_actions_ = 0;
    int actions_ = 0;
    bool has_entered_ = false;
    std::string why_;
};

TEST(SentinelSimulation, FollowsThePrimaryThroughThousandsOfDrawnHistories) {
    std::uint64_t moves = 0;
    std::uint64_t failed_rounds = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        world drawn(seed);
        drawn.run();
        ASSERT_FALSE(drawn.failed()) << "seed " << seed << ": " << drawn.why();
        moves += drawn.moves();
        failed_rounds += drawn.failed_rounds();
    }
    // The histories are worth something.
    EXPECT_GT(moves, std::uint64_t{seeds});
    EXPECT_GT(failed_rounds, std::uint64_t{seeds});
}

}  // namespace
}  // namespace headroom::redis
