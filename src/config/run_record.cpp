// SPDX-License-Identifier: Apache-2.0
#include "config/run_record.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace headroom::config {
namespace {

namespace json = boost::json;

constexpr std::string_view redis_name = "redis";
constexpr std::string_view postgres_name = "postgres";

json::object to_object(const process_mark& mark) {
    return {{"pid", mark.pid}, {"start_time", mark.start_time}};
}

json::object to_object(const recorded_server& server) {
    json::object written = to_object(server.process);
    written["socket"] = server.socket;
    if (!server.database.empty()) written["database"] = server.database;
    if (!server.user.empty()) written["user"] = server.user;
    return written;
}

// Readers of a file that anybody may have edited: what does not fit is empty.
const json::object* object_at(const json::object& in, std::string_view key) {
    const json::value* found = in.if_contains(key);
    return found != nullptr ? found->if_object() : nullptr;
}

std::string text_at(const json::object& in, std::string_view key) {
    const json::value* found = in.if_contains(key);
    if (found == nullptr || !found->is_string()) return {};
    return std::string(found->get_string());
}

process_mark read_mark(const json::object& in) {
    const auto number = [&in](std::string_view key) -> std::uint64_t {
        const json::value* found = in.if_contains(key);
        boost::system::error_code unfit;
        const auto read = found != nullptr ? found->to_number<std::uint64_t>(unfit) : 0;
        return unfit ? 0 : read;
    };
    const std::uint64_t pid = number("pid");
    if (pid > 1U << 30) return {};
    return {.pid = static_cast<pid_t>(pid), .start_time = number("start_time")};
}

std::optional<recorded_server> read_server(const json::object& in, std::string_view key) {
    const json::object* found = object_at(in, key);
    if (found == nullptr) return std::nullopt;
    return recorded_server{.process = read_mark(*found),
                           .socket = text_at(*found, "socket"),
                           .database = text_at(*found, "database"),
                           .user = text_at(*found, "user")};
}

}  // namespace

std::string to_json(const run_record& record) {
    json::object servers;
    if (record.redis) servers[redis_name] = to_object(*record.redis);
    if (record.postgres) servers[postgres_name] = to_object(*record.postgres);
    json::array workers;
    for (const process_mark& one : record.workers)
        workers.push_back(to_object(one));
    return json::serialize(json::object{{"supervisor", to_object(record.supervisor)},
                                        {"public_url", record.public_url},
                                        {"admin_url", record.admin_url},
                                        {"socket_folder", record.socket_folder},
                                        {"servers", std::move(servers)},
                                        {"workers", std::move(workers)}}) +
           "\n";
}

std::optional<run_record> parse_run_record(const std::string& text) {
    boost::system::error_code malformed;
    const json::value parsed = json::parse(text, malformed);
    if (malformed || !parsed.is_object()) return std::nullopt;
    const json::object& root = parsed.get_object();
    run_record record{.supervisor = {},
                      .public_url = text_at(root, "public_url"),
                      .admin_url = text_at(root, "admin_url"),
                      .socket_folder = text_at(root, "socket_folder"),
                      .redis = {},
                      .postgres = {},
                      .workers = {}};
    if (const auto* supervisor = object_at(root, "supervisor"))
        record.supervisor = read_mark(*supervisor);
    if (const auto* servers = object_at(root, "servers")) {
        record.redis = read_server(*servers, redis_name);
        record.postgres = read_server(*servers, postgres_name);
    }
    if (const json::value* workers = root.if_contains("workers");
        workers != nullptr && workers->is_array()) {
        for (const json::value& one : workers->get_array()) {
            if (one.is_object()) record.workers.push_back(read_mark(one.get_object()));
        }
    }
    return record;
}

}  // namespace headroom::config
