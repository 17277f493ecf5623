// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/bundle_shelf.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace headroom::chat {

namespace {

constexpr std::string_view always_there = "clock";

shelved_bundle make(const bundle_definition& of, const config::settings& from,
                    const worker_services& services) {
    return {.name = of.name,
            .limits = of.limits,
            .claims = of.claims,
            .answers = of.make(values_of(of, from)),
            .services = std::make_unique<bundle_services>(services, of.name)};
}

}  // namespace

bundle_shelf::bundle_shelf(const config::settings& of, const bundle_registry& known,
                           const worker_services& services) {
    auto names = of.bundles;
    const bool has_it = std::ranges::find(names, always_there) != names.end();
    const bool knows_it =
        std::ranges::find(known, always_there, &bundle_definition::name) != known.end();
    if (!has_it && knows_it) names.emplace_back(always_there);
    for (const auto& name : names) {
        const auto definition = std::ranges::find(known, name, &bundle_definition::name);
        HEADROOM_ASSERT(definition != known.end(), "a bundle that check_bundles() did not refuse");
        bundles_.push_back(make(*definition, of, services));
    }
    HEADROOM_ASSERT(!bundles_.empty(), "CHAT_BUNDLES names at least one bundle");
}

const shelved_bundle& bundle_shelf::choose(std::string_view text) const {
    if (text.starts_with('/')) {
        const auto name = text.substr(1, text.find_first_of(" \t\r\n") - 1);
        const auto named = std::ranges::find(bundles_, name, &shelved_bundle::name);
        if (named != bundles_.end()) return *named;
    }
    const auto claiming = std::ranges::find_if(
        bundles_, [text](const auto& each) { return each.claims && each.claims(text); });
    return claiming != bundles_.end() ? *claiming : bundles_.front();
}

}  // namespace headroom::chat
