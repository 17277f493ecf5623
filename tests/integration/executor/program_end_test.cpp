// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "execution_world.hpp"

namespace headroom::test {
namespace {

using namespace std::chrono_literals;

TEST(ProgramEnd, TellsTheExitCode) {
    execution_world world;
    const auto seen = world.run(bash("echo out; echo err >&2; exit 7"));
    EXPECT_EQ(seen.end.exit_code, 7) << seen.told();
    EXPECT_EQ(seen.end.signal, std::nullopt);
    EXPECT_EQ(seen.end.stopped, std::nullopt);
    EXPECT_EQ(seen.output, "out\n");
    EXPECT_EQ(seen.error, "err\n");
}

TEST(ProgramEnd, MeasuresTheLaunchOfASilentProgram) {
    execution_world world;
    std::vector<double> times;
    for (int i = 0; i < 31; ++i) {
        const auto start = clock::now();
        const auto seen = world.run(program({"/usr/bin/true"}));
        times.push_back(std::chrono::duration<double, std::milli>(clock::now() - start).count());
        ASSERT_EQ(seen.end.exit_code, 0) << seen.told();
    }
    std::ranges::sort(times);
    std::cout << "launch and end of /usr/bin/true: median " << times[times.size() / 2]
              << " ms, most " << times.back() << " ms of " << times.size() << "\n";
    RecordProperty("median_ms", std::to_string(times[times.size() / 2]));
}

}  // namespace
}  // namespace headroom::test
