// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/admin_pages.hpp"

#include <boost/json/serialize.hpp>

#include "chat/core/loopback_origin.hpp"

namespace headroom::chat {
namespace {

http::response page(unsigned status, const boost::json::object& content) {
    http::response made;
    made.status = status;
    made.body = boost::json::serialize(content) + "\n";
    made.headers = {{"Cache-Control", "no-store"}};
    return made;
}

}  // namespace

http::response answer_admin(const http::request& asked, const system_view& view) {
    if (!is_loopback_host(asked.header("Host").value_or(""))) {
        return http::error_response(403, "forbidden_host",
                                    "The admin port answers to 127.0.0.1 and localhost only.");
    }
    const auto origin = asked.header("Origin");
    if (origin && !is_loopback_origin(*origin)) {
        return http::error_response(403, "forbidden_origin",
                                    "The admin port does not answer pages of other sites.");
    }
    const bool known =
        asked.path == "/healthz" || asked.path == "/readyz" || asked.path == "/monitoring/system";
    if (!known) return http::error_response(404, "not_found", "No such page on the admin port.");
    if (asked.method != "GET" && asked.method != "HEAD") {
        auto refused = http::error_response(405, "method_not_allowed", "Only GET is answered.");
        refused.headers.emplace_back("Allow", "GET, HEAD");
        return refused;
    }
    if (asked.path == "/healthz") return page(200, {{"status", "alive"}});
    if (asked.path == "/readyz") return page(is_ready(view) ? 200 : 503, readiness_report(view));
    return page(200, system_report(view));
}

}  // namespace headroom::chat
