// SPDX-License-Identifier: Apache-2.0
// The rows of the table about TLS with Redis. Opens no session: whether the files hold what they
// should, the first dial says.
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "config/reading.hpp"
#include "config/redis_url.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

constexpr std::string_view ca_variable = "REDIS_TLS_CA_FILE";
constexpr std::string_view certificate_variable = "REDIS_TLS_CERT_FILE";
constexpr std::string_view key_variable = "REDIS_TLS_KEY_FILE";
constexpr std::string_view name_variable = "REDIS_TLS_SERVER_NAME";
constexpr std::string_view verify_variable = "REDIS_TLS_VERIFY";
constexpr std::array all_variables{ca_variable, certificate_variable, key_variable, name_variable,
                                   verify_variable};

// Whoever sets one believes to be safe; plainly spoken, the password goes in clear.
void refuse_without_tls(reading& run) {
    for (const std::string_view name : all_variables) {
        if (!run.is_set(name)) continue;
        run.note_fault(name, "unset, because Redis is not spoken to by TLS",
                       "use REDIS_URL=rediss://host:port, or unset it");
    }
}

std::string file_of(reading& run, std::string_view name) {
    const auto path = run.text(name);
    if (!path) return {};
    if (!path->starts_with('/')) {
        run.note_fault(name, "an absolute path, because executors run in folders of their own");
    } else if (const auto content = run.from().read_file(std::string(*path)); !content) {
        const error& why = content.error();
        run.note_fault(
            name, "a file that can be read",
            fmt::format("it cannot: {}", why.detail.empty() ? why.code.message() : why.detail));
    }
    return std::string(*path);
}

}  // namespace

void read_redis_tls(reading& run) {
    if (run.has_fault("REDIS_URL")) return;
    auto& tls = run.to.out.redis.tls;
    if (!tls) return refuse_without_tls(run);
    tls->ca_file = file_of(run, ca_variable);
    tls->certificate_file = file_of(run, certificate_variable);
    tls->key_file = file_of(run, key_variable);
    if (!tls->certificate_file.empty() && tls->key_file.empty()) {
        run.note_fault(key_variable, "the key of REDIS_TLS_CERT_FILE", "set both or neither");
    }
    if (tls->certificate_file.empty() && !tls->key_file.empty()) {
        run.note_fault(certificate_variable, "the certificate of REDIS_TLS_KEY_FILE",
                       "set both or neither");
    }
    if (const auto name = run.text(name_variable)) {
        tls->server_name = *name;
        if (!is_host(*name)) run.note_fault(name_variable, "a host's name or address");
    }
    tls->verifies_peer = run.flag(verify_variable).value_or(true);
    if (!tls->verifies_peer) {
        run.warn(
            "REDIS_TLS_VERIFY is false: any certificate is accepted, so whoever stands between "
            "this service and Redis can read and change everything, the password too");
    }
}

}  // namespace headroom::config
