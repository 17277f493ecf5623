// SPDX-License-Identifier: Apache-2.0
// What the callers of a workload ask and what they must get, for both clients alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "measured.hpp"
#include "redis/client.hpp"

namespace headroom::bench {

inline constexpr auto patience = std::chrono::seconds(10);
inline constexpr std::uint32_t workload_keys = 1000;
inline constexpr std::uint32_t workload_queues = 4;  // of R4

// Ends the process with a message: a wrong or missing answer ends the run.
[[noreturn]] void give_up(std::string_view what, std::string_view why);

[[nodiscard]] redis::client_options options_for(const run_arguments& given, std::string_view kind);

// 64 bytes that begin with the time, and that time.
[[nodiscard]] std::string stamped(clock::time_point time);
[[nodiscard]] clock::time_point stamp_of(std::string_view text);

class workload {
public:
    explicit workload(std::string_view name);

    // What is there before it begins: SET of the key with this number.
    [[nodiscard]] redis::command fill(std::uint64_t number) const;
    // `number` of the operation, of all callers together.
    [[nodiscard]] redis::command request(std::uint64_t number, clock::time_point begun) const;
    void check(const result<redis::value>& reply, std::uint64_t number) const;

    // R3 listens to what it publishes; R4 has neighbours that wait in BRPOP, and one that pushes.
    [[nodiscard]] bool publishes() const { return kind_ == kind::publish; }
    [[nodiscard]] bool has_blocking_neighbours() const { return kind_ == kind::mixed; }
    [[nodiscard]] static redis::command pop(std::uint32_t queue);
    [[nodiscard]] static redis::command push(std::uint64_t number);

private:
    enum class kind : std::uint8_t { get_small, set_large, publish, mixed };
    [[nodiscard]] bool is_set(std::uint64_t number) const;

    kind kind_;
    std::string small_ = std::string(64, 'v');
    std::string large_ = std::string(1024, 'v');
};

}  // namespace headroom::bench
