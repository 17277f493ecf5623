// SPDX-License-Identifier: Apache-2.0
#include "chat/sdk/comm_spec.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <limits>
#include <string_view>
#include <utility>

#include "chat/core/request_rules.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/json_members.hpp"
#include "config/parse.hpp"
#include "config/redis_url.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

// The connection's name cuts the prefix.
constexpr text_rule name_prefix_rule{.bytes_min = 1, .bytes_max = 1024, .may_have_controls = true};
constexpr text_rule credential_rule{.bytes_max = 8 * 1024, .may_have_controls = true};
constexpr text_rule path_rule{.bytes_min = 1, .bytes_max = config::unix_path_bytes_max};
constexpr text_rule file_rule{.bytes_max = 4096};
constexpr text_rule server_name_rule{.bytes_max = 253};
constexpr text_rule id_rule{.bytes_min = 1, .bytes_max = 256};
constexpr std::string_view id_form = "must be 1 to 128 of letters, digits, '_', '-' and '.'";
constexpr std::string_view plain_form = "must be 1 to 64 of letters, digits, '_', '-' and '.'";

std::string text_of(json_members& from, std::string_view name, bool (*is_right)(std::string_view),
                    std::string_view form) {
    auto text = from.text(name, id_rule);
    if (!text.empty() && !is_right(text)) from.refuse(name, form);
    return text;
}

std::uint16_t port_of(json_members& from) {
    return static_cast<std::uint16_t>(
        from.number("port", {.min = 1, .max = std::numeric_limits<std::uint16_t>::max()}));
}

void read_sentinels(const json::object& text, json_members& server, redis::endpoint& to) {
    json_members from(text, "redis.sentinel");
    redis::sentinel_options read;
    read.primary_name = text_of(from, "primary_name", config::is_primary_name,
                                "must be 1 to 128 of letters, digits, '.', '-' and '_'");
    read.username = from.text("username", credential_rule);
    read.password = from.text("password", credential_rule);
    if (const auto* list = from.array("sentinels", config::sentinels_max)) {
        if (list->empty()) from.refuse("sentinels", "must name one at least");
        for (const auto& each : *list) {
            if (!each.is_object()) {
                from.refuse("sentinels", "must be objects");
                break;
            }
            json_members one(each.get_object(), "redis.sentinel.sentinels");
            auto host = text_of(one, "host", config::is_host, "must be a host's name or address");
            const auto port = port_of(one);
            read.sentinels.push_back({std::move(host), port});
            if (const auto fault = one.fault()) from.refuse(*fault);
        }
    }
    if (const auto fault = from.fault()) return server.refuse(*fault);
    to.sentinel = std::move(read);
}

std::string file_of(json_members& from, std::string_view name) {
    auto path = from.text(name, file_rule);
    if (!path.empty() && !path.starts_with('/')) {
        from.refuse(name, "must be empty or an absolute path");
    }
    return path;
}

redis::tls_options read_tls(json_members& from) {
    return {.verifies_peer = from.flag("verify"),
            .ca_file = file_of(from, "ca_file"),
            .certificate_file = file_of(from, "certificate_file"),
            .key_file = file_of(from, "key_file"),
            .server_name = from.text("server_name", server_name_rule)};
}

redis::endpoint read_server(json_members& from) {
    redis::endpoint to;
    if (from.has("sentinel")) {
        if (from.has("host")) from.refuse("host", "must be absent beside sentinel");
        if (from.has("unix_path")) from.refuse("unix_path", "must be absent beside sentinel");
        if (const auto* object = from.object("sentinel")) read_sentinels(*object, from, to);
    } else if (from.has("unix_path")) {
        to.unix_path = from.text("unix_path", path_rule);
        if (!to.unix_path.starts_with('/')) from.refuse("unix_path", "must be an absolute path");
        if (from.has("host")) from.refuse("host", "must be absent beside unix_path");
    } else {
        to.host = text_of(from, "host", config::is_host, "must be a host's name or address");
        to.port = port_of(from);
    }
    to.username = from.text("username", credential_rule);
    to.password = from.text("password", credential_rule);
    to.database = static_cast<std::uint32_t>(
        from.number("database", {.min = 0, .max = config::redis_database_max}));
    if (!from.has("tls")) return to;
    if (!to.unix_path.empty()) from.refuse("tls", "must be absent beside unix_path");
    if (const auto* object = from.object("tls"); object != nullptr) {
        json_members members(*object, from.name_of("tls"));
        to.tls = read_tls(members);
        if (auto fault = members.fault()) from.refuse(std::move(*fault));
    }
    return to;
}

}  // namespace

json::object to_json(const comm_spec& spec) {
    json::object server{{"username", spec.server.username},
                        {"password", spec.server.password},
                        {"database", spec.server.database}};
    if (spec.server.sentinel) {
        const auto& of = *spec.server.sentinel;
        json::array sentinels;
        for (const auto& each : of.sentinels)
            sentinels.push_back(json::object{{"host", each.host}, {"port", each.port}});
        server["sentinel"] = json::object{{"sentinels", std::move(sentinels)},
                                          {"primary_name", of.primary_name},
                                          {"username", of.username},
                                          {"password", of.password}};
    } else if (spec.server.unix_path.empty()) {
        server["host"] = spec.server.host;
        server["port"] = spec.server.port;
    } else {
        server["unix_path"] = spec.server.unix_path;
    }
    if (const auto& tls = spec.server.tls) {
        server["tls"] = {{"verify", tls->verifies_peer},
                         {"ca_file", tls->ca_file},
                         {"certificate_file", tls->certificate_file},
                         {"key_file", tls->key_file},
                         {"server_name", tls->server_name}};
    }
    return {{"redis", std::move(server)},
            {"name_prefix", spec.name_prefix},
            {"execution_id", spec.execution_id},
            {"tenant", spec.whose.tenant},
            {"project", spec.whose.project},
            {"session_id", spec.session_id},
            {"conversation_id", spec.conversation_id},
            {"turn_id", spec.turn_id}};
}

result<comm_spec> parse_comm_spec(const json::object& text) {
    const auto refused = [](const std::string& fault) {
        return failure(std::make_error_code(std::errc::bad_message), fault);
    };
    json_members whole(text, "");
    const auto* server_object = whole.object("redis");
    if (server_object == nullptr) return refused(*whole.fault());
    json_members server(*server_object, "redis");

    comm_spec read;
    read.server = read_server(server);
    if (const auto fault = server.fault()) return refused(*fault);
    read.name_prefix = whole.text("name_prefix", name_prefix_rule);
    read.execution_id = text_of(whole, "execution_id", is_execution_id,
                                "must be 1 to 40 of letters, digits, '_' and '-'");
    read.whose.tenant = text_of(whole, "tenant", config::is_plain_name, plain_form);
    read.whose.project = text_of(whole, "project", config::is_plain_name, plain_form);
    read.session_id = text_of(whole, "session_id", is_stream_id, id_form);
    read.conversation_id = text_of(whole, "conversation_id", is_stream_id, id_form);
    read.turn_id = text_of(whole, "turn_id", is_stream_id, id_form);
    if (const auto fault = whole.fault()) return refused(*fault);
    return read;
}

}  // namespace headroom::chat
