// SPDX-License-Identifier: Apache-2.0
// The bytes of one run, taken from the front as decisions and texts. An input that is used up gives
// zeros, so that every input is a whole story. Not a target.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.hpp"

// What libFuzzer and the replay of a corpus call, once an input. Each target defines it; a finding
// is an abort, a sanitizer's report, or a run without end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace headroom::fuzz {

class fuzz_input {
public:
    fuzz_input(const std::uint8_t* bytes, std::size_t size)
        : rest_(reinterpret_cast<const char*>(bytes), size) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const { return rest_; }

    std::uint8_t take_byte() {
        if (rest_.empty()) return 0;
        const auto byte = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return byte;
    }
    // 0 to `bound` - 1.
    std::size_t take_below(std::size_t bound) { return take_byte() % bound; }
    bool take_bool() { return (take_byte() & 1U) != 0; }
    // A length in one byte, then as many bytes as there are.
    std::string_view take_text() {
        const auto size = std::min<std::size_t>(take_byte(), rest_.size());
        const auto text = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return text;
    }

private:
    std::string_view rest_;
};

// A copy in memory of exactly its size: AddressSanitizer sees a read past its end, and a view that
// outlives it.
class exact_copy {
public:
    explicit exact_copy(std::string_view bytes)
        : bytes_(std::make_unique_for_overwrite<char[]>(bytes.size())), size_(bytes.size()) {
        std::ranges::copy(bytes, bytes_.get());
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_;
};

}  // namespace headroom::fuzz
