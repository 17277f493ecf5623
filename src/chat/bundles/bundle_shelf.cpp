// SPDX-License-Identifier: Apache-2.0
// The bundles this service knows, by name, and which of them answers a text.
#include <algorithm>
#include <iterator>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "chat/bundles/bundle.hpp"
#include "chat/bundles/clock_bundle.hpp"
#include "chat/bundles/echo_bundle.hpp"

namespace headroom::chat {

namespace {

std::vector<bundle_recipe> built_in() {
    return {
        {"echo", [](bundle_services) { return make_echo_bundle(); }},
        {"clock", [](bundle_services with) { return make_clock_bundle(with.sync, with.threads); }}};
}

std::string names_of(const std::vector<bundle_recipe>& all) {
    std::string names;
    for (const auto& each : all)
        names += (names.empty() ? "" : ", ") + each.name;
    return names;
}

}  // namespace

result<bundle_shelf> bundle_shelf::make(const std::vector<std::string>& names,
                                        bundle_services services,
                                        std::vector<bundle_recipe> further) {
    auto known = built_in();
    std::ranges::move(further, std::back_inserter(known));
    bundle_shelf shelf;
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(shelf.bundles_,
                                   [&](const auto& each) { return each->name() == name; });
    };
    const auto add = [&](std::string_view name) {
        const auto recipe = std::ranges::find(known, name, &bundle_recipe::name);
        if (recipe == known.end()) return false;
        shelf.bundles_.push_back(recipe->make(services));
        return true;
    };
    for (const auto& name : names) {
        if (has(name) || add(name)) continue;
        return failure(chat_errc::bundle_failed,
                       "there is no bundle '" + printable_excerpt(name) +
                           "'; CHAT_BUNDLES may name: " + names_of(known));
    }
    if (shelf.bundles_.empty()) {
        return failure(chat_errc::bundle_failed,
                       "CHAT_BUNDLES names no bundle; it may name: " + names_of(known));
    }
    if (!has("clock")) add("clock");
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
