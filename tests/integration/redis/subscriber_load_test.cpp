// SPDX-License-Identifier: Apache-2.0
// A hundred thousand channels on a real server: what they hold in memory, and how long it takes to
// have them all again. The figures are printed; what lies beyond its bound fails.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "subscriber_fixture.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEADROOM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEADROOM_SANITIZED 1
#endif
#endif
#ifdef HEADROOM_SANITIZED
#include <sanitizer/allocator_interface.h>
#endif

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using test::private_redis;

constexpr int channels = 100'000;
constexpr std::size_t bytes_max = 40 * 1024 * 1024;

// Of the heap. The sanitizers have an allocator of their own, which mallinfo knows nothing of; it
// counts what was asked for, without its red zones.
std::size_t allocated_bytes() {
#ifdef HEADROOM_SANITIZED
    return __sanitizer_get_current_allocated_bytes();
#else
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
#endif
}

#ifndef HEADROOM_SANITIZED
std::size_t resident_bytes() {
    std::ifstream from("/proc/self/statm");
    std::size_t pages = 0;
    from >> pages >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
#endif

double mebibytes(std::size_t bytes) {
    return static_cast<double>(bytes) / (1024 * 1024);
}

TEST(SubscriberLoad, HoldsAHundredThousandChannelsInFortyMebibytesAndHasThemAllAgainInSeconds) {
    private_redis server;
    subscriber_fixture f(server);
    ASSERT_TRUE(f.subscribe("first"));
    const auto before = allocated_bytes();
#ifndef HEADROOM_SANITIZED
    ::malloc_trim(0);  // what former tests have freed could hide a growth
    const auto resident_before = resident_bytes();
#endif
    auto began = clock::now();
    // 45 bytes each, as those of sessions are.
    ASSERT_TRUE(f.subscribe_many("chat:session:0123456789abcdef0123456789:", channels));
    const auto subscribed_in = clock::now() - began;
    const auto held = allocated_bytes() - before;

    const auto asked = f.relay->stats().commands;
    began = clock::now();
    (void)server.ask("CLIENT KILL TYPE pubsub");
    ASSERT_TRUE(f.becomes([&] { return f.told_of("restored") == 1; }, 40s));
    const auto restored_in = clock::now() - began;
    const auto commands = f.relay->stats().commands - asked;
    const auto held_after = allocated_bytes() - before;
    using ms = std::chrono::milliseconds;
    fmt::print(
        "{} channels: {:.1f} MiB of heap, {:.1f} MiB after a loss; subscribed in {} ms, "
        "again in {} ms by {} commands, the pause before the dial included\n",
        channels, mebibytes(held), mebibytes(held_after),
        std::chrono::duration_cast<ms>(subscribed_in).count(),
        std::chrono::duration_cast<ms>(restored_in).count(), commands);
    EXPECT_LE(held, bytes_max);
    EXPECT_LE(held_after, bytes_max);
    EXPECT_LE(commands, channels / 400U);
    // A second or less alone; other tests may be running.
    EXPECT_LE(restored_in, 20s);
#ifndef HEADROOM_SANITIZED
    const auto resident = resident_bytes();
    fmt::print("resident memory: {:.1f} MiB before, {:.1f} MiB now\n", mebibytes(resident_before),
               mebibytes(resident));
    EXPECT_LE(resident, resident_before + bytes_max);
#endif
    EXPECT_EQ(f.relay->channel_count(), channels + 1U);
    EXPECT_EQ(server.ask("PUBLISH first x"), ":1\r\n");

    for (int i = 0; i < channels; ++i)
        f.relay->unsubscribe("chat:session:0123456789abcdef0123456789:" + std::to_string(i));
    EXPECT_TRUE(
        f.becomes([&] { return server.ask("CLIENT LIST TYPE pubsub").contains(" sub=1 "); }, 20s));
    // Buckets and recycled frames stay; the topics do not.
    const auto left = allocated_bytes() - before;
    fmt::print("{:.1f} MiB are left when they are given up\n", mebibytes(left));
    EXPECT_LE(left, held / 3);
}

}  // namespace
}  // namespace headroom::redis
