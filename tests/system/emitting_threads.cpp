// SPDX-License-Identifier: Apache-2.0
// A program of somebody else's: threads that all emit first at the same moment, through the one
// header. Arguments: how many threads, and how many events of each.
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "chat/sdk/emit.hpp"

int main(int count, char** words) {
    if (count != 3) return 64;
    const int threads = std::atoi(words[1]);
    const int events = std::atoi(words[2]);
    std::atomic<int> waiting{threads};
    std::atomic<int> failed{0};
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) {
        all.emplace_back([&, thread] {
            --waiting;
            while (waiting > 0)
                std::this_thread::yield();
            for (int event = 0; event < events; ++event) {
                // Every seventh is longer than PIPE_BUF.
                const std::string text(event % 7 == 0 ? 5000 : 10, 'x');
                const std::string name = std::to_string(thread) + "." + std::to_string(event);
                if (headroom::sdk::emit_step(name, "completed", text)) ++failed;
            }
        });
    }
    for (std::thread& thread : all)
        thread.join();
    return failed == 0 ? 0 : 1;
}
