// SPDX-License-Identifier: Apache-2.0
// Runs a target on given files, without libFuzzer: the corpus as a test, a finding under a
// debugger. usage: fuzz_GROUP_TARGET FILE_OR_FOLDER...
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz_input.hpp"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(int count, char** names) {
    std::vector<fs::path> files;
    for (int i = 1; i < count; ++i) {
        if (!fs::is_directory(names[i])) {
            files.emplace_back(names[i]);
            continue;
        }
        for (const auto& each : fs::directory_iterator(names[i]))
            if (each.is_regular_file()) files.push_back(each.path());
    }
    std::ranges::sort(files);
    return files;
}

}  // namespace

int main(int count, char** names) {
    const auto files = files_of(count, names);
    for (const auto& each : files) {
        std::ifstream file(each, std::ios::binary);
        if (!file) {
            std::fprintf(stderr, "replay: cannot read %s\n", each.c_str());
            return 1;
        }
        // The last name printed is the input that ended the run.
        std::printf("%s\n", each.c_str());
        std::fflush(stdout);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    if (files.empty()) {
        std::fprintf(stderr, "replay: no input given, or only empty folders\n");
        return 1;
    }
    std::printf("replayed %zu inputs\n", files.size());
    return 0;
}
