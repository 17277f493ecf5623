// SPDX-License-Identifier: Apache-2.0
#include "chat/gateway/gateway.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "chat/core/request_rules.hpp"
#include "chat/core/time_text.hpp"
#include "chat/gateway/chat_message.hpp"
#include "chat/gateway/client_stream.hpp"
#include "chat/gateway/conversation_json.hpp"
#include "chat/gateway/page_routes.hpp"
#include "chat/gateway/refusals.hpp"
#include "chat/http/router.hpp"
#include "chat/queue/turn_intake.hpp"
#include "chat/queue/turn_stop.hpp"
#include "chat/sessions/session_gate.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
namespace json = boost::json;
using http::request;
using http::response;

namespace {

constexpr auto retry_streams_after = std::chrono::seconds(5);

response json_response(const json::value& body) {
    response made;
    made.body = json::serialize(body);
    made.headers.emplace_back("Cache-Control", "no-store");
    return made;
}

std::string now_text() {
    return to_iso_text(std::chrono::system_clock::now());
}

stream_event shutdown_event() {
    return {.number = 0,
            .name = "server_shutdown",
            .data = json::serialize(
                json::object{{"type", "server_shutdown"}, {"timestamp", now_text()}})};
}

// Empty: none was sent, or one that no stream of ours ever had.
std::optional<std::uint64_t> last_event_id(const request& asked) {
    const auto text = asked.header("last-event-id").value_or(std::string_view{});
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<response> refuse_stream_id(const request& asked) {
    if (is_stream_id(asked.query_value("stream_id").value_or(std::string_view{})))
        return std::nullopt;
    return http::error_response(400, "bad_stream_id",
                                "stream_id is 1 to 128 of letters, digits, '_', '-' and '.'");
}

}  // namespace

// Event loop only.
struct gateway::state : std::enable_shared_from_this<gateway::state> {
    state(asio::any_io_executor on, gateway_services given, gateway_options with, log to)
        : executor(std::move(on)),
          services(given),
          options(std::move(with)),
          out(std::move(to)),
          signer(options.session_key) {}

    void add_routes();
    asio::awaitable<response> open_stream(request asked);
    asio::awaitable<response> take_message(request asked);
    asio::awaitable<response> list_conversations(request asked);
    asio::awaitable<response> show_conversation(request asked, std::string id);
    asio::awaitable<response> remove_conversation(request asked, std::string id);
    asio::awaitable<response> stop_conversation(request asked, std::string id);
    [[nodiscard]] std::optional<entered_session> session_of_page(const request& asked) const;
    [[nodiscard]] response say_ready() const;
    [[nodiscard]] response refuse(const error& why, std::string_view doing) const;
    [[nodiscard]] deadline call_deadline() const { return clock::now() + options.call_timeout; }

    asio::any_io_executor executor;
    gateway_services services;
    gateway_options options;
    log out;
    session_signer signer;
    http::router routes;
    std::map<client_stream*, std::weak_ptr<client_stream>> streams;
    bool is_closing = false;
};

void gateway::state::add_routes() {
    // The routes live in this state, so `this` outlives them.
    routes.add("GET", "/healthz", [](request, std::string) -> asio::awaitable<response> {
        co_return json_response(json::object{{"status", "alive"}});
    });
    routes.add("GET", "/readyz", [this](request, std::string) -> asio::awaitable<response> {
        co_return say_ready();
    });
    if (!options.serves_chat) return;
    routes.add("GET", "/sse/stream",
               [this](request asked, std::string) { return open_stream(std::move(asked)); });
    routes.add("POST", "/sse/chat",
               [this](request asked, std::string) { return take_message(std::move(asked)); });
    routes.add("GET", "/conversations",
               [this](request asked, std::string) { return list_conversations(std::move(asked)); });
    routes.add("GET", "/conversations/*", [this](request asked, std::string id) {
        return show_conversation(std::move(asked), std::move(id));
    });
    routes.add("DELETE", "/conversations/*", [this](request asked, std::string id) {
        return remove_conversation(std::move(asked), std::move(id));
    });
    routes.add("POST", "/conversations/*/stop", [this](request asked, std::string id) {
        return stop_conversation(std::move(asked), std::move(id));
    });
    add_page_routes(routes, options.page);
}

response gateway::state::refuse(const error& why, std::string_view doing) const {
    auto made = to_response(why);
    if (made.status >= 500)
        out.warning("a request could not be served", {{"doing", doing}, {"reason", why.what()}});
    return made;
}

// The page itself brings the cookie: its first requests go out together, and each would begin a
// session of its own. A cookie that is not ours is replaced.
std::optional<entered_session> gateway::state::session_of_page(const request& asked) const {
    auto entered = enter_session(signer, asked);
    if (!entered) return entered_session{.of = signer.make(), .is_new = true};
    return std::move(*entered);
}

response gateway::state::say_ready() const {
    const bool ready = !is_closing && (!options.is_ready || options.is_ready());
    auto made = json_response(
        json::object{{"ready", ready},
                     {"draining", is_closing},
                     {"redis", health::to_string(services.app.redis_monitor->state())},
                     {"streams", streams.size()}});
    if (!ready) {
        made.status = 503;
        made.headers.emplace_back("Retry-After", "2");
    }
    return made;
}

asio::awaitable<response> gateway::state::open_stream(request asked) {
    if (auto refused = refuse_stream_id(asked)) co_return std::move(*refused);
    auto entered = enter_session(signer, asked);
    if (!entered) co_return std::move(entered.error());
    if (is_closing)
        co_return http::error_response(503, "shutting_down", "this server is stopping: try again",
                                       std::chrono::seconds(1));
    if (streams.size() >= options.streams_max)
        co_return http::error_response(429, "too_many_streams",
                                       "as many streams are open as this server allows",
                                       retry_streams_after);

    client_stream_options shape;
    shape.keep_alive = options.stream_keep_alive;
    shape.write_timeout = options.stream_write_timeout;
    auto made = std::make_shared<client_stream>(executor, shape);
    // Counted before the first wait, so that the limit holds for those who come meanwhile.
    streams.emplace(made.get(), made);
    // Destroyed on every way out, or with the response, which the client may not wait for.
    std::shared_ptr<void> leave(nullptr, [weak = weak_from_this(), key = made.get()](void*) {
        if (const auto self = weak.lock()) self->streams.erase(key);
    });

    made->deliver(
        {.number = 0,
         .name = "ready",
         .data = json::serialize(json::object{{"session_id", entered->of.token},
                                              {"stream_id", *asked.query_value("stream_id")},
                                              {"timestamp", now_text()}})});
    auto place =
        co_await services.relay.open(entered->of.id, last_event_id(asked), *made, call_deadline());
    if (!place) co_return refuse(place.error(), "opening a stream");
    made->keep(std::move(*place));
    if (is_closing) made->end_with(shutdown_event());

    response answer;
    answer.content_type = "text/event-stream; charset=utf-8";
    answer.headers = {{"Cache-Control", "no-cache, no-transform"}, {"X-Accel-Buffering", "no"}};
    entered->mark(answer);
    if (asked.method == "HEAD") {
        answer.stream = [](http::body_writer&) -> asio::awaitable<void> { co_return; };
        co_return answer;
    }
    answer.stream = [made, leave](http::body_writer& to) { return made->run(to); };
    co_return answer;
}

asio::awaitable<response> gateway::state::take_message(request asked) {
    if (auto refused = refuse_foreign_origin(asked)) co_return std::move(*refused);
    if (auto refused = refuse_stream_id(asked)) co_return std::move(*refused);
    auto entered = enter_session(signer, asked);
    if (!entered) co_return std::move(entered.error());
    auto message = read_chat_message(asked, options.message_chars_max);
    if (!message) co_return std::move(message.error());

    new_message incoming{.session_id = entered->of.id,
                         .conversation_id = std::move(message->conversation_id),
                         .text = std::move(message->text),
                         .stream_id = std::string(*asked.query_value("stream_id"))};
    auto accepted =
        co_await take_in(services.store, services.queue, std::move(incoming), call_deadline());
    if (!accepted) co_return refuse(accepted.error(), "taking a message");

    auto answer = json_response(json::object{{"status", "processing_started"},
                                             {"task_id", accepted->turn_id},
                                             {"conversation_id", accepted->conversation_id},
                                             {"turn_id", accepted->turn_id},
                                             {"session_id", entered->of.token}});
    entered->mark(answer);
    co_return answer;
}

asio::awaitable<response> gateway::state::list_conversations(request asked) {
    auto entered = enter_session(signer, asked);
    if (!entered) co_return std::move(entered.error());
    auto listed = co_await services.store.list(entered->of.id, call_deadline());
    if (!listed) co_return refuse(listed.error(), "listing conversations");
    auto answer = json_response(json::object{{"conversations", to_json(*listed)}});
    entered->mark(answer);
    co_return answer;
}

asio::awaitable<response> gateway::state::show_conversation(request asked, std::string id) {
    auto entered = enter_session(signer, asked);
    if (!entered) co_return std::move(entered.error());
    if (!is_conversation_id(id))
        co_return to_response({.code = chat_errc::no_such_conversation, .detail = {}});
    auto found = co_await services.store.get(entered->of.id, std::move(id), call_deadline());
    if (!found) co_return refuse(found.error(), "showing a conversation");
    co_return json_response(to_json(*found));
}

asio::awaitable<response> gateway::state::remove_conversation(request asked, std::string id) {
    if (auto refused = refuse_foreign_origin(asked)) co_return std::move(*refused);
    auto entered = enter_session(signer, asked);
    if (!entered) co_return std::move(entered.error());
    if (!is_conversation_id(id))
        co_return to_response({.code = chat_errc::no_such_conversation, .detail = {}});
    auto removed = co_await services.store.remove(entered->of.id, id, call_deadline());
    if (!removed) co_return refuse(removed.error(), "removing a conversation");
    co_return json_response(json::object{{"status", "deleted"}, {"conversation_id", id}});
}

// Its turns that wait or run; the body says nothing and is not read.
asio::awaitable<response> gateway::state::stop_conversation(request asked, std::string id) {
    if (auto refused = refuse_foreign_origin(asked)) co_return std::move(*refused);
    if (auto refused = refuse_other_than_json(asked)) co_return std::move(*refused);
    auto entered = enter_session(signer, asked);
    if (!entered) co_return std::move(entered.error());
    if (!is_conversation_id(id))
        co_return to_response({.code = chat_errc::no_such_conversation, .detail = {}});
    auto marked = co_await request_stop(services.store, services.queue, entered->of.id,
                                        std::move(id), call_deadline());
    if (!marked) co_return refuse(marked.error(), "stopping a conversation");
    co_return json_response(json::object{{"status", "stop_requested"}, {"turns", *marked}});
}

gateway::gateway(asio::any_io_executor executor, gateway_services services, gateway_options options,
                 log out)
    : state_(std::make_shared<state>(std::move(executor), services, std::move(options),
                                     std::move(out))) {
    state_->add_routes();
}

gateway::~gateway() = default;

asio::awaitable<response> gateway::answer(request asked) {
    const auto held = state_;
    const auto session = asked.path == "/" ? held->session_of_page(asked) : std::nullopt;
    auto answer = co_await held->routes.answer(std::move(asked));
    if (session && answer.status < 400) session->mark(answer);
    co_return answer;
}

void gateway::farewell() {
    state_->is_closing = true;
    for (const auto& [key, weak] : state_->streams)
        if (const auto stream = weak.lock()) stream->end_with(shutdown_event());
}

std::size_t gateway::streams() const {
    return state_->streams.size();
}

}  // namespace headroom::chat
