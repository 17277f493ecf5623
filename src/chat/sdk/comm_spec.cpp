// SPDX-License-Identifier: Apache-2.0
#include "chat/sdk/comm_spec.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "chat/core/request_rules.hpp"
#include "chat/executor/core/execution.hpp"
#include "config/parse.hpp"
#include "config/redis_url.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

constexpr std::size_t name_prefix_bytes_max = 1024;  // the connection's name cuts it
constexpr std::size_t credential_bytes_max = 8 * 1024;
constexpr std::string_view id_form = "1 to 128 of letters, digits, '_', '-' and '.'";
constexpr std::string_view plain_form = "1 to 64 of letters, digits, '_', '-' and '.'";

bool is_text_within(std::string_view text, std::size_t bytes_max) {
    return text.size() <= bytes_max && text.find('\0') == std::string_view::npos && is_utf8(text);
}
bool is_credential(std::string_view text) {
    return is_text_within(text, credential_bytes_max);
}
bool is_name_prefix(std::string_view text) {
    return !text.empty() && is_text_within(text, name_prefix_bytes_max);
}
bool is_socket_path(std::string_view text) {
    return text.starts_with('/') && is_text_within(text, config::unix_path_bytes_max);
}

// Takes members out of an object; remembers the first that is wrong, and shows no value.
class member_reader {
public:
    member_reader(const json::object& from, std::string_view within)
        : from_(from), within_(within) {}

    [[nodiscard]] const json::object* object(std::string_view name) {
        const auto* found = from_.if_contains(name);
        const auto* whole = found == nullptr ? nullptr : found->if_object();
        if (whole == nullptr) note(name, "must be an object");
        return whole;
    }
    [[nodiscard]] std::string text(std::string_view name, bool (*is_right)(std::string_view),
                                   std::string_view form) {
        const auto* found = from_.if_contains(name);
        const auto* given = found == nullptr ? nullptr : found->if_string();
        if (given == nullptr || !is_right({given->data(), given->size()})) {
            note(name, fmt::format("must be {}", form));
            return {};
        }
        return std::string(*given);
    }
    [[nodiscard]] std::uint32_t number(std::string_view name, std::int64_t least,
                                       std::int64_t most) {
        const auto* found = from_.if_contains(name);
        const auto* given = found == nullptr ? nullptr : found->if_int64();
        if (given == nullptr || *given < least || *given > most) {
            note(name, fmt::format("must be a whole number from {} to {}", least, most));
            return 0;
        }
        return static_cast<std::uint32_t>(*given);
    }
    [[nodiscard]] bool has(std::string_view name) const { return from_.contains(name); }
    void note(std::string_view name, std::string_view what) {
        if (fault_.empty()) fault_ = fmt::format("'{}{}' {}", within_, name, what);
    }
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    const json::object& from_;
    std::string within_;
    std::string fault_;
};

redis::endpoint read_server(member_reader& from) {
    redis::endpoint to;
    if (from.has("unix_path")) {
        to.unix_path = from.text("unix_path", is_socket_path, "an absolute path of 107 bytes");
        if (from.has("host")) from.note("host", "must be absent beside unix_path");
    } else {
        to.host = from.text("host", config::is_host, "a host's name or address, or unix_path set");
        to.port = static_cast<std::uint16_t>(
            from.number("port", 1, std::numeric_limits<std::uint16_t>::max()));
    }
    constexpr std::string_view form = "UTF-8 without NUL, of 8192 bytes at most";
    to.username = from.text("username", is_credential, form);
    to.password = from.text("password", is_credential, form);
    to.database = from.number("database", 0, config::redis_database_max);
    return to;
}

}  // namespace

json::object to_json(const comm_spec& spec) {
    // Numbers as parsing makes them.
    json::object server{{"username", spec.server.username},
                        {"password", spec.server.password},
                        {"database", std::int64_t{spec.server.database}}};
    if (spec.server.unix_path.empty()) {
        server["host"] = spec.server.host;
        server["port"] = std::int64_t{spec.server.port};
    } else {
        server["unix_path"] = spec.server.unix_path;
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
    member_reader whole(text, "");
    const auto* server_object = whole.object("redis");
    if (server_object == nullptr) return refused(whole.fault());
    member_reader server(*server_object, "redis.");

    comm_spec read;
    read.server = read_server(server);
    if (!server.fault().empty()) return refused(server.fault());
    read.name_prefix =
        whole.text("name_prefix", is_name_prefix, "UTF-8 without NUL, of 1 to 1024 bytes");
    read.execution_id =
        whole.text("execution_id", is_execution_id, "1 to 40 of letters, digits, '_' and '-'");
    read.whose.tenant = whole.text("tenant", config::is_plain_name, plain_form);
    read.whose.project = whole.text("project", config::is_plain_name, plain_form);
    read.session_id = whole.text("session_id", is_stream_id, id_form);
    read.conversation_id = whole.text("conversation_id", is_stream_id, id_form);
    read.turn_id = whole.text("turn_id", is_stream_id, id_form);
    if (!whole.fault().empty()) return refused(whole.fault());
    return read;
}

}  // namespace headroom::chat
