// SPDX-License-Identifier: Apache-2.0
// The bundles of one worker, made, and which one answers a text.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "chat/bundles/bundle_definition.hpp"

namespace headroom::chat {

// A bundle with all it needs to answer. Event loop only.
struct shelved_bundle {
    std::string name;
    bundle_limits limits;
    std::function<bool(std::string_view)> claims;
    std::unique_ptr<bundle> answers;
    std::unique_ptr<bundle_services> services;
};

class bundle_shelf {
public:
    // Those that CHAT_BUNDLES names, in its order, and `clock`, which costs nothing until it is
    // asked for. check_bundles() found no fault.
    bundle_shelf(const config::settings& of, const bundle_registry& known,
                 const worker_services& services);

    // `/name ...` asks for the bundle of that name; else the first that claims the text answers,
    // else the first.
    [[nodiscard]] const shelved_bundle& choose(std::string_view text) const;

private:
    std::vector<shelved_bundle> bundles_;
};

}  // namespace headroom::chat
