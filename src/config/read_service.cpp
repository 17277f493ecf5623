// SPDX-License-Identifier: Apache-2.0
// The service's own rows of the table: its name, its role, where it listens.
#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "config/reading.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

constexpr std::size_t session_secret_bytes_min = 32;
constexpr std::size_t bundles_max = 64;

std::string first_of(const reading& run, std::initializer_list<std::string_view> names,
                     std::string_view otherwise) {
    for (const std::string_view name : names) {
        if (const auto value = run.text(name)) return std::string(*value);
    }
    return std::string(otherwise);
}

}  // namespace

void read_name_prefix(reading& run) {
    run.to.out.name_prefix =
        first_of(run, {"REDIS_CLIENT_NAME", "SERVICE_NAME", "APP_NAME"}, "chat");
}

void read_instance(reading& run) {
    run.to.out.instance = first_of(run, {"INSTANCE_ID", "HOSTNAME"}, run.from().host_name);
}

void read_role(reading& run) {
    const auto value = run.text("CHAT_ROLE");
    if (!value) return;
    for (const service_role role : {service_role::all, service_role::ingress, service_role::proc}) {
        if (to_string(role) == *value) {
            run.to.out.role = role;
            return;
        }
    }
    run.note_fault("CHAT_ROLE", "one of all, ingress, proc");
}

void read_bundles(reading& run) {
    const auto value = run.text("CHAT_BUNDLES");
    if (!value) return;
    std::vector<std::string> bundles;
    for (const std::string_view part : split(*value, ',')) {
        const bool is_new = std::ranges::find(bundles, part) == bundles.end();
        if (!is_plain_name(part) || !is_new || bundles.size() == bundles_max) {
            run.note_fault("CHAT_BUNDLES",
                           fmt::format("at most {} different names with commas and no spaces, each "
                                       "of {}",
                                       bundles_max, plain_name_description),
                           "for example CHAT_BUNDLES=echo,clock");
            return;
        }
        bundles.emplace_back(part);
    }
    run.to.out.bundles = std::move(bundles);
}

void read_bind(reading& run) {
    const auto value = run.text("CHAT_BIND");
    if (!value) return;
    run.to.out.bind = *value;
    if (!is_ip_address(run.to.out.bind)) {
        run.note_fault("CHAT_BIND", "an IPv4 or IPv6 address of this host",
                       "127.0.0.1 for this host only, 0.0.0.0 for all its addresses");
    }
}

void read_admin_port(reading& run) {
    const auto port = run.whole_number("CHAT_ADMIN_PORT", {.min = 0, .max = 65535});
    if (port) run.to.out.admin_port = static_cast<std::uint16_t>(*port);
    if (run.has_fault("CHAT_APP_PORT") || run.has_fault("CHAT_ADMIN_PORT")) return;
    if (run.to.out.admin_port != 0 && run.to.out.admin_port == run.to.out.app_port) {
        run.note_fault(run.is_set("CHAT_ADMIN_PORT") ? "CHAT_ADMIN_PORT" : "CHAT_APP_PORT",
                       fmt::format("another port than the other listener's, which is {} too",
                                   run.to.out.admin_port));
    }
}

void read_session_secret(reading& run) {
    const auto value = run.text("CHAT_SESSION_SECRET");
    if (!value) return;
    if (value->size() < session_secret_bytes_min) {
        run.note_fault("CHAT_SESSION_SECRET",
                       fmt::format("at least {} characters", session_secret_bytes_min),
                       "make one: openssl rand -hex 32");
        return;
    }
    run.to.out.session_secret = secret(std::string(*value));
}

}  // namespace headroom::config
