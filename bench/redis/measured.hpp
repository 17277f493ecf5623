// SPDX-License-Identifier: Apache-2.0
// What a run of a benchmark measures, and the one JSON line it prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace headroom::bench {

struct run_arguments {
    std::string host;
    std::uint16_t port = 0;
    std::string workload;
    std::uint32_t concurrency = 0;
    std::uint32_t pool = 0;
    double seconds = 0;
};

inline constexpr double warm_up_seconds = 0.5;

// Of the whole process.
[[nodiscard]] double cpu_us();

// Latencies in tenths of a microsecond.
class latencies {
public:
    void add(clock::time_point begun, clock::time_point ended) {
        ticks_.push_back(
            static_cast<std::uint32_t>((ended - begun) / std::chrono::nanoseconds(100)));
    }
    void add_all(const latencies& others) {
        ticks_.insert(ticks_.end(), others.ticks_.begin(), others.ticks_.end());
    }
    void clear() { ticks_.clear(); }
    void reserve(std::size_t count) { ticks_.reserve(count); }
    [[nodiscard]] std::size_t count() const { return ticks_.size(); }
    [[nodiscard]] double percentile_us(double share);

private:
    std::vector<std::uint32_t> ticks_;
};

struct run_result {
    std::string client;
    latencies commands;
    latencies deliveries;  // R3: publish to message. R4: push to pop.
    std::vector<std::uint64_t> operations_of_callers;
    double seconds = 0;
    double cpu_us = 0;
};

void print_json_line(const run_arguments& given, run_result& measured);

}  // namespace headroom::bench
