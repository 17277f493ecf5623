// SPDX-License-Identifier: Apache-2.0
// Bytes that are appended to; the first hundred need no allocation. Not text, not a general string.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace headroom::redis {

class byte_buffer {
public:
    byte_buffer() = default;
    byte_buffer(const byte_buffer& other) { append(other.view()); }
    byte_buffer(byte_buffer&& other) noexcept { take(other); }
    byte_buffer& operator=(const byte_buffer& other) {
        if (this != &other) *this = byte_buffer(other);
        return *this;
    }
    byte_buffer& operator=(byte_buffer&& other) noexcept {
        if (this != &other) take(other);
        return *this;
    }
    ~byte_buffer() = default;

    // Room for `count` bytes more, whose writing is followed by commit() with how many they were.
    [[nodiscard]] char* prepare(std::size_t count) {
        if (size_ + count > capacity_) grow(size_ + count);
        return data() + size_;
    }
    void commit(std::size_t count) { size_ += count; }
    void append(std::string_view bytes) {
        std::ranges::copy(bytes, prepare(bytes.size()));
        commit(bytes.size());
    }

    [[nodiscard]] std::string_view view() const {
        return {heap_ ? heap_.get() : inline_.data(), size_};
    }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    static constexpr std::size_t inline_bytes = 104;

    [[nodiscard]] char* data() { return heap_ ? heap_.get() : inline_.data(); }
    void grow(std::size_t least) {
        const auto wanted = least > 2 * capacity_ ? least : 2 * capacity_;
        auto larger = std::make_unique_for_overwrite<char[]>(wanted);
        std::memcpy(larger.get(), data(), size_);
        heap_ = std::move(larger);
        capacity_ = wanted;
    }
    void take(byte_buffer& other) noexcept {
        heap_ = std::move(other.heap_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, inline_bytes);
        if (!heap_) std::memcpy(inline_.data(), other.inline_.data(), size_);
    }

    std::unique_ptr<char[]> heap_;
    std::size_t size_ = 0;
    std::size_t capacity_ = inline_bytes;
    std::array<char, inline_bytes> inline_;
};

}  // namespace headroom::redis
