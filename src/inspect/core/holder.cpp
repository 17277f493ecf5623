// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/holder.hpp"

namespace headroom::inspect {

std::string_view to_string(server_kind server) {
    return server == server_kind::redis ? "redis" : "postgres";
}

std::string_view to_string(name_origin origin) {
    switch (origin) {
        case name_origin::ours:
            return "ours";
        case name_origin::foreign:
            return "foreign";
        case name_origin::unnamed:
            return "unnamed";
        case name_origin::mixed:
            return "mixed";
    }
    return "unnamed";
}

}  // namespace headroom::inspect
