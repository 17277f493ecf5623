// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/process_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::chat {
namespace {

constexpr std::string_view fields =
    " S 41 42 42 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 7 0 12345 8192000 512 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

TEST(ProcessStat, IsReadByTheNumbersOfTheManual) {
    const auto stat = parse_process_stat("42 (bash)" + std::string(fields));
    ASSERT_TRUE(stat.has_value());
    EXPECT_EQ(stat->pid, 42);
    EXPECT_EQ(stat->parent, 41);
    EXPECT_EQ(stat->own_ticks, 33U);
    EXPECT_EQ(stat->reaped_ticks, 77U);
    EXPECT_EQ(stat->threads, 7U);
    EXPECT_EQ(stat->start_time, 12345U);
    EXPECT_EQ(stat->resident_pages, 512U);
}

TEST(ProcessStat, IsNotMisledByAName) {
    for (const std::string name : {"a) S 1 1 1", ") (", "", "x\ny", "1 2 3"}) {
        const auto stat = parse_process_stat("42 (" + name + ")" + std::string(fields));
        ASSERT_TRUE(stat.has_value()) << name;
        EXPECT_EQ(stat->parent, 41) << name;
        EXPECT_EQ(stat->resident_pages, 512U) << name;
    }
}

TEST(ProcessStat, IsNothingWhenItIsCutOff) {
    const std::string whole = "42 (bash)" + std::string(fields);
    const std::size_t needed = whole.find("18446744073709551615");
    for (std::size_t size = 0; size + 4 < needed; ++size)
        EXPECT_FALSE(parse_process_stat(whole.substr(0, size)).has_value()) << size;
}

TEST(SmapsRollup, TellsPrivateAndSharedMemoryApart) {
    const auto seen = parse_smaps_rollup(
        "55d0-7ffd ---p 00000000 00:00 0   [rollup]\nRss:   9000 kB\nPss:   600 kB\n"
        "Pss_Dirty: 1 kB\nPss_Anon:   100 kB\nPss_File:   200 kB\nPss_Shmem:  300 kB\n");
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(seen->private_bytes, 300U * 1024);
    EXPECT_EQ(seen->shared_bytes, 300U * 1024);
    EXPECT_FALSE(parse_smaps_rollup("Rss: 9000 kB\n").has_value());
}

TEST(WrittenBytes, AreLessThoseThatWereDroppedBefore) {
    EXPECT_EQ(parse_written_bytes("wchar: 9\nread_bytes: 1\nwrite_bytes: 4096\n"
                                  "cancelled_write_bytes: 1096\n"),
              3000U);
    EXPECT_EQ(parse_written_bytes("write_bytes: 1\ncancelled_write_bytes: 4096\n"), 0U);
    EXPECT_EQ(parse_written_bytes("wchar: 9\n"), std::nullopt);
}

}  // namespace
}  // namespace headroom::chat
