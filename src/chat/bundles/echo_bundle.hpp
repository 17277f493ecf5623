// SPDX-License-Identifier: Apache-2.0
// The bundle `echo`: says the text again, word by word, as a model would stream it.
#pragma once

#include "chat/bundles/bundle.hpp"

namespace headroom::chat {

struct echo_pace {
    std::chrono::milliseconds word{25};
    std::chrono::milliseconds whole_max{2000};  // long texts go faster
};

[[nodiscard]] std::unique_ptr<bundle> make_echo_bundle(echo_pace pace = {});

}  // namespace headroom::chat
