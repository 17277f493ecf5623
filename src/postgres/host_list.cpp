// SPDX-License-Identifier: Apache-2.0
#include "postgres/host_list.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "net/connect.hpp"

namespace headroom::postgres {

namespace asio = boost::asio;

namespace {

constexpr std::size_t addresses_max = 32;
constexpr std::string_view default_port = "5432";

std::string* find(connection_options& options, std::string_view keyword) {
    const auto at =
        std::ranges::find(options, keyword, [](const auto& each) { return each.first; });
    return at == options.end() ? nullptr : &at->second;
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    for (;;) {
        const auto comma = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, comma));
        if (comma == list.size()) return parts;
        list.remove_prefix(comma + 1);
    }
}

std::optional<std::uint16_t> port_number(std::string_view text) {
    std::uint16_t port = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, ec] = std::from_chars(text.data(), end, port);
    if (ec != std::errc{} || stopped != end || port == 0) return std::nullopt;
    return port;
}

void append(std::string& list, std::string_view entry, bool is_first) {
    if (!is_first) list += ',';
    list += entry;
}

}  // namespace

asio::awaitable<result<connection_options>> with_addresses(connection_options options,
                                                           deadline by) {
    const auto* host = find(options, "host");
    if (host == nullptr || host->empty() || find(options, "hostaddr") != nullptr) {
        co_return options;
    }
    const auto hosts = split(*host);
    const auto* port = find(options, "port");
    const auto ports = split(port == nullptr || port->empty() ? default_port : *port);
    if (ports.size() != 1 && ports.size() != hosts.size()) {
        co_return failure(postgres_errc::bad_settings,
                          "one port, or as many as there are hosts, is expected");
    }

    std::string host_list;
    std::string address_list;
    std::string port_list;
    std::size_t count = 0;
    error unresolved;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        const auto& port_text = ports[ports.size() == 1 ? 0 : i];
        const auto number = port_number(port_text);
        if (!number) {
            co_return failure(postgres_errc::bad_settings,
                              "not a port between 1 and 65535: '" + port_text + "'");
        }
        // A folder of unix sockets, or an abstract one.
        const bool is_local = hosts[i].starts_with('/') || hosts[i].starts_with('@');
        std::vector<std::string> addresses{""};
        if (!is_local) {
            auto found = co_await net::resolve(hosts[i], *number, by);
            if (!found) {
                unresolved = found.error();
                continue;
            }
            addresses = std::move(*found);
        }
        for (const auto& address : addresses) {
            if (count == addresses_max) break;
            append(host_list, hosts[i], count == 0);
            append(address_list, address, count == 0);
            append(port_list, port_text, count == 0);
            ++count;
        }
    }
    if (count == 0) co_return failure(postgres_errc::connect_failed, unresolved.what());

    std::erase_if(options,
                  [](const auto& each) { return each.first == "host" || each.first == "port"; });
    options.emplace_back("host", std::move(host_list));
    options.emplace_back("hostaddr", std::move(address_list));
    options.emplace_back("port", std::move(port_list));
    co_return options;
}

}  // namespace headroom::postgres
