// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/limit_watch.hpp"

#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mib = 1024 * 1024;

execution_limits limits() {
    return {.wall_time = 60s,
            .cpu_time = 10s,
            .memory_bytes = 100 * mib,
            .processes = 4,
            .folder_bytes = 10 * mib,
            .folder_entries = 100};
}

process_sample ann() {
    return {.pid = 2, .start_time = 1};
}
process_sample bob() {
    return {.pid = 3, .start_time = 2};
}

usage_sample of(std::vector<process_sample> processes) {
    return {.processes = std::move(processes)};
}

TEST(LimitWatch, LetsWhatStaysWithinItsLimitsRun) {
    limit_watch watch(limits());
    auto sample = of({ann(), bob()});
    sample.wall = 59'999ms;
    sample.processes[0].own_cpu = 9'999ms;
    sample.processes[0].resident_bytes = 100 * mib;
    sample.processes[1].threads = 3;
    sample.folders = folder_sample{.bytes = 10 * mib, .entries = 100, .written_bytes = 40 * mib};
    const auto answer = watch.on_sample(sample);
    EXPECT_EQ(answer.stop, std::nullopt);
    EXPECT_FALSE(answer.look_at_shared_memory);
}

TEST(LimitWatch, StopsAtTheWallTime) {
    limit_watch watch(limits());
    auto sample = of({ann()});
    sample.wall = 60s;
    EXPECT_EQ(watch.on_sample(sample).stop, execution_stop::wall_time);
}

TEST(LimitWatch, CountsThreadsAsProcessesAndAZombieAsOne) {
    limit_watch watch(limits());
    auto sample = of({ann(), bob()});
    sample.processes[0].threads = 4;
    sample.processes[1].threads = 0;
    EXPECT_EQ(watch.on_sample(sample).stop, execution_stop::processes);
}

TEST(LimitWatch, AddsTheProcessorTimeOfAllProcessesAndOfThoseThatWereReaped) {
    limit_watch watch(limits());
    auto sample = of({ann(), bob()});
    sample.processes[0].own_cpu = 3s;
    sample.processes[1].own_cpu = 3s;
    sample.processes[1].reaped_cpu = 2s;
    sample.reaped_cpu = 1'999ms;
    EXPECT_EQ(watch.on_sample(sample).stop, std::nullopt);
    EXPECT_EQ(watch.cpu_time(), 9'999ms);
    sample.reaped_cpu = 2s;
    EXPECT_EQ(watch.on_sample(sample).stop, execution_stop::cpu_time);
}

TEST(LimitWatch, RemembersTheProcessorTimeOfProcessesThatNobodyReaped) {
    limit_watch watch(limits());
    auto sample = of({ann(), bob()});
    sample.processes[1].own_cpu = 6s;
    EXPECT_EQ(watch.on_sample(sample).stop, std::nullopt);
    // Its parent ignores SIGCHLD: the kernel credits nobody with what it used.
    EXPECT_EQ(watch.on_sample(of({ann()})).stop, std::nullopt);
    EXPECT_EQ(watch.cpu_time(), 6s);
    // The same pid, another process.
    auto another = bob();
    another.start_time = 9;
    another.own_cpu = 4s;
    EXPECT_EQ(watch.on_sample(of({ann(), another})).stop, execution_stop::cpu_time);
}

TEST(LimitWatch, CountsTimeThatMovedToAParentOnce) {
    limit_watch watch(limits());
    auto sample = of({ann(), bob()});
    sample.processes[1].own_cpu = 6s;
    EXPECT_EQ(watch.on_sample(sample).stop, std::nullopt);
    auto parent = ann();
    parent.reaped_cpu = 6s;
    EXPECT_EQ(watch.on_sample(of({parent})).stop, std::nullopt);
    EXPECT_EQ(watch.cpu_time(), 6s);
}

TEST(LimitWatch, NeverCountsProcessorTimeBack) {
    limit_watch watch(limits());
    auto sample = of({ann()});
    sample.reaped_cpu = 5s;
    (void)watch.on_sample(sample);
    (void)watch.on_sample(of({}));
    EXPECT_EQ(watch.cpu_time(), 5s);
}

TEST(LimitWatch, AsksForASecondLookBeforeItStopsForMemory) {
    limit_watch watch(limits());
    auto sample = of({ann(), bob()});
    sample.processes[0].resident_bytes = 60 * mib;
    sample.processes[1].resident_bytes = 60 * mib;
    const auto answer = watch.on_sample(sample);
    EXPECT_EQ(answer.stop, std::nullopt);
    EXPECT_TRUE(answer.look_at_shared_memory);
    EXPECT_EQ(watch.on_shared_memory({.private_bytes = 60 * mib}), std::nullopt);
    EXPECT_EQ(watch.memory_most(), 60 * mib) << "pages that both have are one";
    EXPECT_EQ(watch.on_shared_memory({.private_bytes = 101 * mib}), execution_stop::memory);
    EXPECT_EQ(watch.memory_most(), 101 * mib);
}

TEST(LimitWatch, CountsFilesInMemoryButNotTwiceWhenTheyAreMapped) {
    limit_watch watch(limits());
    auto sample = of({ann()});
    sample.processes[0].resident_bytes = 70 * mib;
    sample.memory_folder_bytes = 70 * mib;
    EXPECT_TRUE(watch.on_sample(sample).look_at_shared_memory);
    EXPECT_EQ(watch.on_shared_memory({.private_bytes = 2 * mib, .shared_bytes = 70 * mib}),
              std::nullopt);
    EXPECT_EQ(watch.on_shared_memory({.private_bytes = 31 * mib}), execution_stop::memory);
}

TEST(LimitWatch, StopsForEachThingTooMuchInItsFolders) {
    const folder_sample full{.bytes = 10 * mib + 1};
    const folder_sample many{.entries = 101};
    const folder_sample deep{.is_complete = false};
    const folder_sample hidden{.written_bytes = (10 * mib + 1) * written_factor};
    for (const auto& folders : {full, many, deep, hidden}) {
        limit_watch watch(limits());
        auto sample = of({ann()});
        sample.folders = folders;
        EXPECT_EQ(watch.on_sample(sample).stop, execution_stop::folder);
    }
}

TEST(LimitBehindSignal, IsTheProcessorTimeWhenThatWasUsedUp) {
    constexpr int killed = 9;
    constexpr int terminated = 15;
    constexpr int out_of_time = 24;
    EXPECT_EQ(limit_behind_signal(out_of_time, 10s, limits()), execution_stop::cpu_time);
    EXPECT_EQ(limit_behind_signal(killed, 11s, limits()), execution_stop::cpu_time);
    EXPECT_EQ(limit_behind_signal(out_of_time, 1s, limits()), std::nullopt) << "sent by itself";
    EXPECT_EQ(limit_behind_signal(terminated, 11s, limits()), std::nullopt);
}

}  // namespace
}  // namespace headroom::chat
