// SPDX-License-Identifier: Apache-2.0
// The bundles this service knows, by name, and which of them answers a text.
#include <algorithm>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "chat/bundles/bundle.hpp"
#include "chat/bundles/clock_bundle.hpp"
#include "chat/bundles/echo_bundle.hpp"

namespace headroom::chat {

namespace {

constexpr std::string_view known_names = "echo, clock";

std::unique_ptr<bundle> make_bundle(std::string_view name, bundle_services services,
                                    blocking_threads& threads) {
    if (name == "echo") return make_echo_bundle();
    if (name == "clock") return make_clock_bundle(services.sync, threads);
    return nullptr;
}

}  // namespace

result<bundle_shelf> bundle_shelf::make(const std::vector<std::string>& names,
                                        bundle_services services, blocking_threads& threads) {
    bundle_shelf shelf;
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(shelf.bundles_,
                                   [&](const auto& each) { return each->name() == name; });
    };
    for (const auto& name : names) {
        if (has(name)) continue;
        auto made = make_bundle(name, services, threads);
        if (!made) {
            return failure(chat_errc::bundle_failed,
                           "there is no bundle '" + printable_excerpt(name) +
                               "'; CHAT_BUNDLES may name: " + std::string(known_names));
        }
        shelf.bundles_.push_back(std::move(made));
    }
    if (shelf.bundles_.empty()) {
        return failure(chat_errc::bundle_failed,
                       "CHAT_BUNDLES names no bundle; it may name: " + std::string(known_names));
    }
    if (!has("clock")) shelf.bundles_.push_back(make_bundle("clock", services, threads));
    return shelf;
}

bundle_shelf bundle_shelf::of(std::vector<std::unique_ptr<bundle>> bundles) {
    HEADROOM_ASSERT(!bundles.empty(), "a shelf holds at least one bundle");
    bundle_shelf shelf;
    shelf.bundles_ = std::move(bundles);
    return shelf;
}

bundle& bundle_shelf::choose(std::string_view text) const {
    if (text.starts_with('/')) {
        const auto name = text.substr(1, text.find_first_of(" \t\r\n") - 1);
        for (const auto& each : bundles_)
            if (each->name() == name) return *each;
    }
    return *bundles_.front();
}

}  // namespace headroom::chat
