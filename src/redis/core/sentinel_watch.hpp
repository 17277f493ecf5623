// SPDX-License-Identifier: Apache-2.0
// Decides which sentinel is asked next, what to make of its answers, and when an address has become
// doubtful. Performs no I/O and reads no clock: its driver holds at most one connection, feeds it
// one event per cause and does what next() says.
// https://redis.io/docs/latest/develop/reference/sentinel-clients/
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "redis/core/command.hpp"
#include "redis/core/host_and_port.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

struct sentinel_watch_options {
    std::vector<host_and_port> sentinels;  // as configured, at least one
    std::string primary_name;
    // Stay with one sentinel and hear of failovers; else hang up once it has answered.
    bool stays = true;
    std::size_t sentinels_max = 32;  // with those the sentinels tell of
    clock::duration backoff_first = std::chrono::milliseconds(100);
    clock::duration backoff_max = std::chrono::seconds(2);
    clock::duration ask_interval = std::chrono::seconds(5);  // while nothing is in doubt
    clock::duration answer_timeout = std::chrono::seconds(1);
    std::uint64_t seed = 1;  // of the jitter in back-off and interval
};

class sentinel_watch {
public:
    struct rest {};  // until an event
    struct wait {
        clock::time_point until;
    };
    struct dial {
        host_and_port where;
    };
    struct send {  // in one write; then next() again
        std::vector<command> what;
    };
    struct hang_up {};
    using step = std::variant<rest, wait, dial, send, hang_up>;

    // What a dial of the primary came to.
    enum class dial_end : std::uint8_t {
        entered,      // and ROLE said master
        unreachable,  // refused, silent, or refused in the handshake
        no_primary,   // it answered, as a replica
    };

    explicit sentinel_watch(sentinel_watch_options options);

    // --- Events ---

    // Somebody needs the address.
    void on_wanted();
    // A dial to `where` has ended. Ignored when that is not what is believed any more.
    void on_dial_ended(const host_and_port& where, dial_end how, clock::time_point now);
    // The sentinel that next() named is connected and entered.
    void on_connected(int protocol);
    // It is not, or not any more; or hang_up was done.
    void on_disconnected(std::string why, clock::time_point now);
    // A reply or a push of the connected sentinel.
    void on_value(const value& told, clock::time_point now);

    // What to do now. Asked after every event and when a wait is over.
    [[nodiscard]] step next(clock::time_point now);

    // --- What is known ---

    // Empty while nobody has told, or while it is in doubt.
    [[nodiscard]] std::optional<host_and_port> primary() const;
    // How often the address was replaced by another one: connections to the old one must go.
    [[nodiscard]] std::uint64_t moves() const { return moves_; }
    // How often all sentinels were tried in turn and none told an address to believe.
    [[nodiscard]] std::uint64_t failed_rounds() const { return failed_rounds_; }
    // Each sentinel and why it did not help, as of the latest time it was tried.
    [[nodiscard]] std::string describe_failure() const;
    // The sentinel that is connected now.
    [[nodiscard]] std::optional<host_and_port> connected_to() const;
    [[nodiscard]] std::size_t sentinel_count() const { return candidates_.size(); }

private:
    enum class phase : std::uint8_t { idle, dialling, connected, hanging_up };
    enum class question : std::uint8_t { address, configuration, others, ping, subscribe };
    struct candidate {
        host_and_port where;
        std::string reason = "not tried yet";
    };

    void ask_all(send& to);
    void ask_again(send& to);
    void ask(send& to, question what);
    void on_answer(question what, const value& told, clock::time_point now);
    void on_event(const value& told);
    void read_others(const value& told);
    void judge(const value& configuration, clock::time_point now);
    void believe(host_and_port where);
    void leave(std::string why);  // this sentinel does not help: the next one
    void promote();
    [[nodiscard]] bool is_alone() const { return candidates_.size() == 1; }
    [[nodiscard]] clock::duration backoff();
    [[nodiscard]] clock::duration jittered(clock::duration full);

    const sentinel_watch_options options_;
    std::mt19937_64 jitter_;

    std::vector<candidate> candidates_;  // the one in use, or to be tried next, at position_
    std::size_t position_ = 0;
    std::size_t tried_ = 0;  // in this round
    phase phase_ = phase::idle;
    int protocol_ = 3;
    std::string leaving_why_;
    bool is_wanted_ = false;
    clock::time_point not_before_ = clock::time_point::min();  // of a dial, or a question in doubt
    clock::time_point ask_at_{};         // of the next question when nothing is in doubt
    std::uint32_t doubts_in_a_row_ = 0;  // rounds and questions that brought nothing new

    std::deque<question> due_;
    clock::time_point answer_by_ = clock::time_point::max();
    std::optional<host_and_port> told_;  // by the first answer, until the second tells how old
    bool has_asked_all_ = false;

    std::optional<host_and_port> primary_;
    std::optional<std::uint64_t> epoch_;  // of the configuration believed
    bool is_sure_ = false;
    std::optional<host_and_port> doubted_;  // what dials failed to reach
    std::uint32_t repeats_ = 0;             // of the doubted address by this sentinel
    bool was_stale_ = false;                // some sentinel of this round told an older one
    std::uint64_t moves_ = 0;
    std::uint64_t failed_rounds_ = 0;
};

}  // namespace headroom::redis
