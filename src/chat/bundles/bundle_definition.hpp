// SPDX-License-Identifier: Apache-2.0
// How a bundle is registered: its name, its limits, its settings, and how a worker makes its own
// one of it. The registry is a list; service_main() takes further definitions beside the built-in
// ones.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "chat/bundles/bundle.hpp"
#include "config/fault.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

// Of one turn. Empty: those of the service.
struct bundle_limits {
    std::optional<clock::duration> time_max = {};
    std::optional<std::size_t> answer_bytes_max = {};
};

// One variable CHAT_BUNDLE_<NAME>_<KEY>, NAME and KEY in capitals, '_' for what is no letter or
// digit.
struct bundle_setting {
    std::string key;  // "GREETING"
    std::string default_text;
    std::string meaning;
    // What was expected instead; empty when the value will do. Without a check every text will.
    std::function<std::optional<std::string>(std::string_view value)> check = {};
};

// Every setting of a bundle, by key, checked.
using bundle_values = std::map<std::string, std::string, std::less<>>;

struct bundle_definition {
    std::string name;     // in CHAT_BUNDLES, in "/name ...", in its label: [a-z0-9_-]
    std::string summary;  // one sentence
    bundle_limits limits = {};
    std::vector<bundle_setting> settings = {};
    // True for a message that this bundle shall answer though it is not the first of CHAT_BUNDLES.
    std::function<bool(std::string_view text)> claims = {};
    std::function<std::unique_ptr<bundle>(const bundle_values& values)> make;
};

using bundle_registry = std::vector<bundle_definition>;

// echo, clock, code, and `further`.
[[nodiscard]] bundle_registry known_bundles(bundle_registry further = {});

// What is wrong with CHAT_BUNDLES and the settings of bundles; before anything is started.
[[nodiscard]] config::faults check_bundles(const config::settings& of,
                                           const bundle_registry& known);

// What the environment gave it, and the defaults of the rest.
[[nodiscard]] bundle_values values_of(const bundle_definition& of, const config::settings& from);

// CHAT_BUNDLE_<NAME>_: how a bundle's settings begin.
[[nodiscard]] std::string setting_prefix(std::string_view bundle_name);

}  // namespace headroom::chat
