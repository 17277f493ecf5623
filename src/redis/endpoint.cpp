// SPDX-License-Identifier: Apache-2.0
#include "redis/endpoint.hpp"

namespace headroom::redis {

endpoint at_address(endpoint from, const host_and_port& where) {
    from.host = where.host;
    from.port = where.port;
    from.unix_path.clear();
    from.sentinel.reset();
    return from;
}

std::string to_string(const endpoint& where) {
    if (where.sentinel) {
        std::string text = "primary '" + where.sentinel->primary_name + "' of sentinels ";
        const char* separator = "";
        for (const auto& each : where.sentinel->sentinels) {
            text += separator + to_string(each);
            separator = ",";
        }
        return text;
    }
    if (!where.unix_path.empty()) return where.unix_path;
    return to_string(host_and_port{where.host, where.port});
}

}  // namespace headroom::redis
