// SPDX-License-Identifier: Apache-2.0
// Owns a file descriptor.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace headroom::chat {

class owned_descriptor {
public:
    owned_descriptor() = default;
    explicit owned_descriptor(int descriptor) : descriptor_(descriptor) {}
    ~owned_descriptor() { reset(); }
    owned_descriptor(owned_descriptor&& other) noexcept : descriptor_(other.release()) {}
    owned_descriptor& operator=(owned_descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            descriptor_ = other.release();
        }
        return *this;
    }
    owned_descriptor(const owned_descriptor&) = delete;
    owned_descriptor& operator=(const owned_descriptor&) = delete;

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
    void reset() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

private:
    int descriptor_ = -1;
};

// A pipe or a socket: something whose end says that the other side has let go.
[[nodiscard]] inline bool has_two_ends(int descriptor) {
    struct stat seen{};
    return ::fstat(descriptor, &seen) == 0 && (S_ISFIFO(seen.st_mode) || S_ISSOCK(seen.st_mode));
}

}  // namespace headroom::chat
