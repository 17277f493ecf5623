// SPDX-License-Identifier: Apache-2.0
// Faults at random moments, from a thread of its own: one about every 50 ms, each healed again
// after a while. Not the callers that suffer them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/fault_gate.hpp"
#include "support/private_redis.hpp"

namespace headroom::stress {

class fault_storm {
public:
    fault_storm(test::private_redis& server, std::vector<test::fault_gate*> gates,
                std::uint64_t seed);
    ~fault_storm() { end(); }
    fault_storm(const fault_storm&) = delete;
    fault_storm& operator=(const fault_storm&) = delete;

    // Heals everything. Idempotent.
    void end();
    // By kind; after end().
    [[nodiscard]] const std::map<std::string, std::uint64_t>& faults() const { return faults_; }
    [[nodiscard]] std::uint64_t kills() const { return kills_; }

private:
    void run();
    // False when the storm ends.
    [[nodiscard]] bool wait(int milliseconds_max);
    void strike();
    void strike_flow(test::fault_gate& gate);
    void strike_connections(test::fault_gate& gate);
    void kill_a_client();
    [[nodiscard]] int draw(int below) {
        return std::uniform_int_distribution(0, below - 1)(random_);
    }

    test::private_redis& server_;
    std::vector<test::fault_gate*> gates_;
    std::mt19937_64 random_;
    std::map<std::string, std::uint64_t> faults_;
    std::uint64_t kills_ = 0;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_ending_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace headroom::stress
