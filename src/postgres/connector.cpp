// SPDX-License-Identifier: Apache-2.0
#include "postgres/connector.hpp"

#include <algorithm>
#include <string_view>

#include "postgres/host_list.hpp"

namespace headroom::postgres {

namespace asio = boost::asio;

namespace {

void set_default(connection_options& options, std::string_view keyword, std::string_view value) {
    const bool is_given =
        std::ranges::any_of(options, [&](const auto& each) { return each.first == keyword; });
    if (!is_given) options.emplace_back(keyword, value);
}

// Without it the server notices only at the end of a statement that its client has gone, and the
// abandoned session keeps its place until then. Since Postgres 14.
constexpr int checks_clients_since = 140000;
constexpr std::string_view check_client = "SET client_connection_check_interval = '500ms'";

}  // namespace

connector::connector(connection_options given, std::string application_name,
                     std::vector<std::string> session_settings)
    : options_(std::move(given)), session_settings_(std::move(session_settings)) {
    std::erase_if(options_, [](const auto& each) { return each.first == "application_name"; });
    options_.emplace_back("application_name", std::move(application_name));
    set_default(options_, "client_encoding", "UTF8");
    set_default(options_, "gssencmode", "disable");  // a round trip for what nobody here uses
    set_default(options_, "keepalives_idle", "60");
    set_default(options_, "keepalives_interval", "15");
    set_default(options_, "keepalives_count", "4");
}

asio::awaitable<result<std::unique_ptr<pool::connection>>> connector::open(deadline by) {
    auto resolved = co_await with_addresses(options_, by);
    if (!resolved) co_return std::unexpected(std::move(resolved.error()));
    auto opened = co_await libpq_connection::connect(std::move(*resolved), by);
    if (!opened) co_return std::unexpected(std::move(opened.error()));

    std::string settings;
    if ((*opened)->server_version() >= checks_clients_since) settings += check_client;
    for (const auto& each : session_settings_) {
        if (!settings.empty()) settings += "; ";
        settings += each;
    }
    if (!settings.empty()) {
        const auto set = co_await (*opened)->script(std::move(settings), by);
        if (!set) {
            const bool is_refused = set.error().code == postgres_errc::server_error;
            co_return failure(
                is_refused ? postgres_errc::bad_settings : postgres_errc::connect_failed,
                "session settings: " + set.error().what());
        }
        (*opened)->forget_session_state();
    }
    co_return std::move(*opened);
}

pool::open_failure connector::classify(const error& why) const noexcept {
    const bool is_final =
        why.code == postgres_errc::auth_failed || why.code == postgres_errc::bad_settings;
    return is_final ? pool::open_failure::permanent : pool::open_failure::transient;
}

}  // namespace headroom::postgres
