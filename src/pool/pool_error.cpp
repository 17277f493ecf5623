// SPDX-License-Identifier: Apache-2.0
#include "pool/pool_error.hpp"

#include <fmt/format.h>

#include <string>

#include "base/assert.hpp"

namespace headroom::pool {

namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "pool"; }
    std::string message(int value) const override {
        switch (static_cast<pool_errc>(value)) {
            case pool_errc::timeout:
                return "timeout";
            case pool_errc::cancelled:
                return "cancelled";
            case pool_errc::queue_full:
                return "queue_full";
            case pool_errc::open_failed:
                return "open_failed";
            case pool_errc::closed:
                return "closed";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& pool_category() noexcept {
    static const category instance;
    return instance;
}

pool_errc to_errc(refusal why) noexcept {
    switch (why) {
        case refusal::timeout:
            return pool_errc::timeout;
        case refusal::cancelled:
            return pool_errc::cancelled;
        case refusal::queue_full:
            return pool_errc::queue_full;
        case refusal::open_failed:
            return pool_errc::open_failed;
        case refusal::closed:
            return pool_errc::closed;
    }
    assertion_failed("why is an enumerator", "unknown refusal", __FILE__, __LINE__);
}

std::string describe(const pool_core& core, std::string_view kind,
                     const std::optional<error>& last_open_error) {
    const auto& now = core.stats();
    auto text =
        fmt::format("pool {}: cap {}, {} leased", kind,
                    now.cap ? std::to_string(*now.cap) : std::string("unbounded"), now.leased);
    const char* separator = " (";
    for (const auto& each : core.owners()) {
        if (each.leased == 0) continue;
        text += fmt::format("{}{} {}", separator, each.name, each.leased);
        separator = ", ";
    }
    if (*separator == ',') text += ")";
    text += fmt::format(", {} idle, {} opening, {} closing, {} waiting", now.idle, now.opening,
                        now.closing, now.waiting);
    if (last_open_error) text += "; last open failed: " + last_open_error->what();
    return text;
}

}  // namespace headroom::pool
