// SPDX-License-Identifier: Apache-2.0
#include "chat/core/work_notice.hpp"

namespace headroom::chat {

std::string_view to_string(work_notice notice) {
    switch (notice) {
        case work_notice::turns_wait:
            return "added";
        case work_notice::stop_requested:
            return "stop";
        case work_notice::anything:
            return "anything";
    }
    return "anything";
}

work_notice parse_work_notice(std::string_view message) {
    for (const auto each : {work_notice::turns_wait, work_notice::stop_requested})
        if (to_string(each) == message) return each;
    return work_notice::anything;
}

}  // namespace headroom::chat
