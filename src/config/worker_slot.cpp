// SPDX-License-Identifier: Apache-2.0
#include "config/worker_slot.hpp"

#include <array>
#include <limits>

#include <fmt/format.h>

#include "config/gateway_document.hpp"
#include "config/parse.hpp"
#include "config/redis_url.hpp"

namespace headroom::config {
namespace {

constexpr std::string_view index_name = "HEADROOM_WORKER_INDEX";
constexpr std::string_view listen_name = "HEADROOM_LISTEN_FD";
constexpr std::string_view status_name = "HEADROOM_STATUS_FD";

// 0, 1 and 2 are the standard streams.
constexpr number_range fd_range{.min = 3, .max = std::numeric_limits<int>::max()};
constexpr number_range index_range{.min = 0, .max = 65535};

}  // namespace

std::expected<std::optional<worker_slot>, faults> read_worker_slot(const environment& variables) {
    std::size_t set = 0;
    faults all;
    const auto number = [&](std::string_view name, number_range range) -> std::uint64_t {
        const auto found = variables.find(name);
        const bool is_set = found != variables.end() && !found->second.empty();
        if (is_set) ++set;
        const auto parsed = parse_whole_number(is_set ? found->second : "", range);
        if (!parsed) {
            all.push_back({.name = std::string(name),
                           .found = is_set ? found->second : "(unset)",
                           .expected = describe(range),
                           .advice = "unset all HEADROOM_* variables: the supervisor sets them"});
        }
        return parsed.value_or(0);
    };
    const worker_slot slot{.index = static_cast<std::uint32_t>(number(index_name, index_range)),
                           .listen_fd = static_cast<int>(number(listen_name, fd_range)),
                           .status_fd = static_cast<int>(number(status_name, fd_range))};
    if (set == 0) return std::nullopt;
    if (!all.empty()) return std::unexpected(std::move(all));
    return slot;
}

std::vector<std::string> worker_environment(environment own, const environment& overrides,
                                            const worker_slot& slot) {
    for (const auto& [name, value] : overrides) {
        if (value.empty()) {
            own.erase(name);
        } else {
            own.insert_or_assign(name, value);
        }
    }
    own.insert_or_assign(std::string(index_name), fmt::format("{}", slot.index));
    own.insert_or_assign(std::string(listen_name), fmt::format("{}", slot.listen_fd));
    own.insert_or_assign(std::string(status_name), fmt::format("{}", slot.status_fd));

    std::vector<std::string> entries;
    entries.reserve(own.size());
    for (const auto& [name, value] : own)
        entries.push_back(fmt::format("{}={}", name, value));
    return entries;
}

environment embedded_redis(const std::string& socket_path) {
    return {{"REDIS_URL", unix_redis_url(socket_path)},
            {"REDIS_HOST", ""},
            {"REDIS_PORT", ""},
            {"REDIS_USERNAME", ""},
            {"REDIS_PASSWORD", ""},
            {"REDIS_DB", ""}};
}

environment embedded_postgres(const std::string& socket_folder, const std::string& database,
                              const std::string& user) {
    // libpq reads further variables by itself; those that could redirect or refuse a local socket
    // go too.
    return {{"PGHOST", socket_folder},
            {"PGDATABASE", database},
            {"PGUSER", user},
            {"PGPORT", ""},
            {"PGPASSWORD", ""},
            {"PGSSLMODE", ""},
            {"PGHOSTADDR", ""},
            {"PGSERVICE", ""},
            {"PGTARGETSESSIONATTRS", ""},
            {"PGREQUIREPEER", ""},
            {"PGCHANNELBINDING", ""},
            {"PGOPTIONS", ""},
            {"POSTGRES_HOST", ""},
            {"POSTGRES_PORT", ""},
            {"POSTGRES_DATABASE", ""},
            {"POSTGRES_USER", ""},
            {"POSTGRES_PASSWORD", ""},
            {"POSTGRES_SSL", ""}};
}

environment same_gateway(const settings& resolved) {
    if (resolved.gateway_json.empty()) return {};
    return {{std::string(gateway_json_variable), resolved.gateway_json},
            {std::string(gateway_yaml_variable), ""}};
}

}  // namespace headroom::config
