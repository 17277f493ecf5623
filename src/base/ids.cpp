// SPDX-License-Identifier: Apache-2.0
#include "base/ids.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <span>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace headroom {
namespace {

// getrandom gives up to 256 bytes whole once the kernel's pool is ready (getrandom(2)).
constexpr std::size_t random_bytes_max = 256;

void fill_random(std::span<std::byte> out) {
    ssize_t got = -1;
    do {
        got = ::getrandom(out.data(), out.size(), 0);
    } while (got < 0 && errno == EINTR);
    HEADROOM_ASSERT(got == static_cast<ssize_t>(out.size()),
                    "the kernel's random source gave fewer bytes than asked for");
}

}  // namespace

std::string random_hex(std::size_t bytes) {
    HEADROOM_ASSERT(bytes <= random_bytes_max, "at most 256 random bytes at a time");
    std::array<std::byte, random_bytes_max> buffer;
    const auto used = std::span(buffer).first(bytes);
    fill_random(used);
    return to_hex(used);
}

std::string random_id() {
    return random_hex(16);
}

std::string random_uuid() {
    std::array<std::byte, 16> bytes;
    fill_random(bytes);
    bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};  // version 4
    bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};  // variant of the RFC
    std::string text = to_hex(bytes);
    for (const std::size_t at : {8U, 13U, 18U, 23U})
        text.insert(at, 1, '-');
    return text;
}

}  // namespace headroom
