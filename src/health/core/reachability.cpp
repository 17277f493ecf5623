// SPDX-License-Identifier: Apache-2.0
#include "health/core/reachability.hpp"

namespace headroom::health {

std::string_view to_string(reachability state) {
    switch (state) {
        case reachability::unknown:
            return "unknown";
        case reachability::up:
            return "up";
        case reachability::degraded:
            return "degraded";
        case reachability::down:
            return "down";
    }
    return "unknown";
}

}  // namespace headroom::health
