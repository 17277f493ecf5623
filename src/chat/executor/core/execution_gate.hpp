// SPDX-License-Identifier: Apache-2.0
// Who may run now and who waits how long a line: at most so many run, the others wait in the order
// of their arrival. Runs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

namespace headroom::chat {

class execution_gate {
public:
    using ticket = std::uint64_t;

    struct limits {
        std::uint32_t running_max = 1;
        std::uint32_t waiting_max = 0;
    };
    // What became of one that arrived.
    struct arrival {
        ticket who = 0;
        std::optional<std::size_t> ahead = {};  // so many wait before it; empty: it runs
        bool operator==(const arrival&) const = default;
    };
    struct place {
        ticket who = 0;
        std::size_t ahead = 0;
        bool operator==(const place&) const = default;
    };
    // What one that left changed for the others.
    struct moves {
        std::vector<ticket> start = {};   // these run from now on, in this order
        std::vector<place> waiting = {};  // these wait on, with fewer before them
        bool operator==(const moves&) const = default;
    };

    explicit execution_gate(limits within) : limits_(within) {}

    // Empty: the line is full.
    [[nodiscard]] std::optional<arrival> on_arrived();
    // It ran and has ended.
    [[nodiscard]] moves on_ended(ticket who);
    // It waited and gave up.
    [[nodiscard]] moves on_given_up(ticket who);

    [[nodiscard]] bool is_waiting(ticket who) const;
    [[nodiscard]] std::size_t running() const { return running_.size(); }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    [[nodiscard]] std::vector<place> places_from(std::size_t first) const;

    limits limits_;
    ticket next_ = 1;
    std::set<ticket> running_;
    std::deque<ticket> waiting_;  // the next one first
};

}  // namespace headroom::chat
