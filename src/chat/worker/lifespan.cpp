// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/lifespan.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "chat/bundles/blocking_threads.hpp"
#include "chat/bundles/bundle_shelf.hpp"
#include "chat/core/backoff.hpp"
#include "chat/gateway/gateway.hpp"
#include "chat/http/server.hpp"
#include "chat/processor/processor.hpp"
#include "chat/relay/chat_relay_communicator.hpp"
#include "chat/worker/app_state.hpp"
#include "chat/worker/heartbeat.hpp"
#include "chat/worker/page_files.hpp"
#include "chat/worker/redis_probe.hpp"
#include "chat/worker/resolvers.hpp"
#include "chat/worker/snapshot.hpp"
#include "chat/worker/status_channel.hpp"
#include "chat/worker/worker_executors.hpp"
#include "config/capacity.hpp"
#include "net/deadline.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr std::uint32_t blocking_threads_max = 4;
constexpr std::uint64_t plain_connections = 1024;  // beside those of streams
// JSON may write one character as two escapes of six bytes; what stands around the text is small.
constexpr std::uint64_t json_bytes_of_a_char = 12;
constexpr std::uint64_t utf8_bytes_of_a_char = 4;
constexpr std::uint64_t json_frame_bytes = 4 * 1024;
constexpr auto snapshot_interval = std::chrono::seconds(1);
constexpr auto attempt_timeout = std::chrono::seconds(5);
constexpr auto step_timeout = std::chrono::seconds(3);

std::uint64_t streams_of_one_worker(const config::settings& from) {
    const auto workers = std::max<std::uint64_t>(1, from.capacity.processes_per_instance.value());
    return std::max<std::uint64_t>(1, from.limits.max_sse_connections_per_instance / workers);
}

secret session_key(const config::settings& from, const log& out) {
    if (from.session_secret) return *from.session_secret;
    out.warning("CHAT_SESSION_SECRET is not set: sessions end with this worker");
    return secret(random_hex(32));
}

// Event loop only. Built in order, taken down by stop() in the order of the design.
class worker_life {
public:
    worker_life(asio::any_io_executor executor, worker_start told, net::event stop, log out);

    asio::awaitable<int> run();

private:
    asio::awaitable<result<void>> start();
    asio::awaitable<result<void>> reach_servers(deadline by);
    asio::awaitable<result<void>> prepare_servers(deadline by);
    void make_monitor();
    void start_processor();
    result<void> make_bundles();
    result<void> start_gateway();
    asio::awaitable<void> report();
    asio::awaitable<void> close_all();
    template <class Step>
    asio::awaitable<void> step(std::string name, Step work);
    void send_snapshot();
    // Started, not stopping, and Redis is not known to be away.
    [[nodiscard]] bool can_serve() const {
        return is_ready_ && app_.redis_monitor->state() != health::reachability::down;
    }
    [[nodiscard]] bool does_ingress() const { return settings_.role != config::service_role::proc; }
    [[nodiscard]] bool does_processing() const {
        return settings_.role != config::service_role::ingress;
    }

    // Fixed at construction.
    asio::any_io_executor executor_;
    config::settings settings_;
    config::worker_slot slot_;
    bundle_registry known_bundles_;
    config::environment variables_;
    log out_;
    scope scope_;
    key_space keys_;
    std::string worker_id_;

    net::event stop_;
    bool is_ready_ = false;

    // In this order: each uses those above it.
    status_channel status_;
    net::task_group tasks_;
    app_state app_;
    std::optional<chat_store> store_;
    std::optional<turn_queue> queue_;
    std::optional<service_communicator> channels_;
    std::optional<chat_relay_communicator> relay_;
    std::optional<blocking_threads> threads_;
    std::unique_ptr<worker_executors> executors_;  // only where code is run
    std::optional<bundle_shelf> bundles_;
    std::optional<processor> processor_;
    std::optional<gateway> gateway_;
    std::optional<http::server> server_;
};

worker_life::worker_life(asio::any_io_executor executor, worker_start told, net::event stop,
                         log out)
    : executor_(executor),
      settings_(std::move(told.settings)),
      slot_(told.slot),
      known_bundles_(std::move(told.bundles)),
      variables_(std::move(told.variables)),
      out_(std::move(out)),
      scope_{.tenant = settings_.tenant, .project = settings_.project},
      keys_(scope_),
      worker_id_(settings_.instance + ':' + std::to_string(::getpid()) + ':' + random_hex(4)),
      stop_(stop),
      status_(executor, slot_.status_fd,
              [stopping = std::move(stop)]() mutable { stopping.set(); }),
      tasks_(executor) {
    auto redis = get_redis_clients(executor_, settings_);
    app_.redis_locator = std::move(redis.locator);
    app_.redis_async = std::move(redis.async);
    app_.redis_async_decode = std::move(redis.async_decode);
    app_.redis_sync = std::move(redis.sync);
    app_.pg_pool = get_pg_pool(executor_, settings_);

    store_bounds bounds;
    bounds.text_bytes_max = std::max<std::size_t>(
        bounds.text_bytes_max, settings_.limits.max_message_chars * utf8_bytes_of_a_char);
    store_.emplace(*app_.pg_pool, scope_, bounds);
    queue_options lanes;
    lanes.waiting_max = settings_.limits.max_queue_size;
    queue_.emplace(*app_.redis_async, keys_, lanes);
    channels_.emplace(*app_.redis_async, "relay");
    relay_.emplace(executor_, *channels_, keys_);
    make_monitor();
}

void worker_life::make_monitor() {
    health::monitor_options options;
    options.interval = settings_.redis.health_interval;
    options.timeout = settings_.redis.health_timeout;
    auto& client = *app_.redis_async;
    options.probe = [&client, owner = client.owner("monitor")](deadline by) {
        return probe_redis(client, owner, by);
    };
    options.before_up = [&relay = *relay_](deadline by) { return relay.restore(by); };
    app_.redis_monitor = std::make_unique<health::monitor>(executor_, std::move(options));
    app_.redis_monitor->add_detailed_listener([out = out_](health::reachability state,
                                                           const error* why) {
        const auto level = state == health::reachability::up ? severity::info : severity::warning;
        out.write(level, "redis: the monitor sees a change",
                  {{"state", to_string(state)}, {"reason", why ? why->what() : std::string()}});
    });
}

asio::awaitable<result<void>> worker_life::prepare_servers(deadline by) {
    const auto owner = app_.pg_pool->owner("store");
    auto migrated = co_await app_.pg_pool->migrate(migrations(), {owner, by});
    if (!migrated) co_return failure(migrated.error().code, "Postgres: " + migrated.error().detail);
    auto heard = co_await relay_->listen_for_work(
        [this](work_notice notice) {
            if (processor_) processor_->hear(notice);
        },
        by);
    if (!heard) co_return failure(heard.error().code, "Redis: " + heard.error().detail);
    co_return result<void>{};
}

// Servers may start later than we do.
asio::awaitable<result<void>> worker_life::reach_servers(deadline by) {
    backoff pause(static_cast<std::uint64_t>(::getpid()));
    for (;;) {
        auto prepared = co_await prepare_servers(std::min(by, clock::now() + attempt_timeout));
        if (prepared || stop_.is_set() || clock::now() >= by) co_return prepared;
        out_.warning("a server is not there yet", {{"reason", prepared.error().what()}});
        const bool stopped = co_await stop_.wait(std::min(by, clock::now() + pause.next()));
        if (stopped || clock::now() >= by) co_return prepared;
    }
}

void worker_life::start_processor() {
    processor_options options;
    options.id = worker_id_;
    options.turns_max =
        static_cast<std::uint32_t>(settings_.capacity.concurrent_requests_per_process);
    options.on_notice = [out = out_](std::string_view event, std::string_view detail) {
        out.warning("processor: something to know", {{"event", event}, {"detail", detail}});
    };
    processor_.emplace(executor_, *store_, *queue_, *relay_, *bundles_, std::move(options));
    processor_->start();
}

result<void> worker_life::start_gateway() {
    gateway_options options;
    options.session_key = session_key(settings_, out_);
    options.streams_max = streams_of_one_worker(settings_);
    options.message_chars_max = settings_.limits.max_message_chars;
    options.page = page_files();
    options.is_ready = [this] { return can_serve(); };
    options.serves_chat = does_ingress();
    gateway_.emplace(executor_, gateway_services{app_, *store_, *queue_, *relay_},
                     std::move(options), out_);

    http::server_options serving;
    serving.connections_max = streams_of_one_worker(settings_) + plain_connections;
    serving.body_bytes_max =
        settings_.limits.max_message_chars * json_bytes_of_a_char + json_frame_bytes;
    serving.on_fault = [out = out_](std::string_view what) {
        out.error("a request handler threw", {{"what", what}});
    };
    server_.emplace(executor_, slot_.listen_fd, std::move(serving),
                    [this](http::request asked) { return gateway_->answer(std::move(asked)); });
    server_->start();
    return {};
}

result<void> worker_life::make_bundles() {
    if (config::executors_per_worker(settings_) > connection_count(0)) {
        auto made = worker_executors::make(executor_, settings_, std::move(variables_));
        if (!made) return std::unexpected(std::move(made.error()));
        executors_ = std::move(*made);
    }
    bundles_.emplace(settings_, known_bundles_,
                     worker_services{.async = *app_.redis_async,
                                     .async_decode = *app_.redis_async_decode,
                                     .sync = *app_.redis_sync,
                                     .pg = *app_.pg_pool,
                                     .threads = *threads_,
                                     .executors = executors_ ? &executors_->access() : nullptr});
    return {};
}

asio::awaitable<result<void>> worker_life::start() {
    app_.redis_monitor->start();
    // Before the supervisor's own patience ends, so that it hears the reason.
    auto reached = co_await reach_servers(clock::now() + settings_.start_timeout * 9 / 10);
    if (!reached) co_return reached;
    if (stop_.is_set()) co_return result<void>{};

    threads_.emplace(blocking_threads_max);
    auto made = make_bundles();
    if (!made) co_return made;
    if (does_processing()) start_processor();
    tasks_.spawn("heartbeat",
                 beat(*app_.redis_async_decode, keys_,
                      {.worker = worker_id_, .role = std::string(to_string(settings_.role))}));
    co_return start_gateway();
}

void worker_life::send_snapshot() {
    worker_activity now{.ready = can_serve()};
    if (gateway_) now.streams = gateway_->streams();
    if (server_) now.http_connections = server_->connections();
    if (processor_) now.turns_running = processor_->stats().running;
    if (executors_) {
        now.executors = executors_->service().stats();
        now.launcher = executors_->service().launcher_name();
    }
    status_.send(make_snapshot(app_, now));
}

asio::awaitable<void> worker_life::report() {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    while (cancellation.cancelled() == asio::cancellation_type::none) {
        send_snapshot();
        co_await net::sleep_until(clock::now() + snapshot_interval);
    }
}

template <class Step>
asio::awaitable<void> worker_life::step(std::string name, Step work) {
    const auto since = clock::now();
    co_await work();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since);
    out_.info("stopping: a step is done", {{"step", name}, {"took_ms", took.count()}});
}

// The lambdas run inside this coroutine and end before it goes on.
asio::awaitable<void> worker_life::close_all() {
    const auto began = clock::now();
    const auto turns_by = began + settings_.shutdown_budget * 6 / 10;
    const auto last = began + settings_.shutdown_budget;
    const auto soon = [last] { return std::min(last, clock::now() + step_timeout); };

    is_ready_ = false;
    send_snapshot();
    if (server_) server_->stop_accepting();
    if (gateway_) gateway_->farewell();
    if (server_) co_await step("http", [&] { return server_->drain(soon()); });
    if (processor_) {
        co_await step("processor", [&]() -> asio::awaitable<void> {
            const bool ended = co_await processor_->stop(turns_by);
            if (!ended) out_.warning("turns were interrupted by the stop");
        });
    }
    if (executors_) {
        co_await step("executors", [&] { return executors_->service().stop(soon()); });
    }
    threads_.reset();
    tasks_.request_stop();
    const bool joined = co_await tasks_.join(soon());
    if (!joined) out_.warning("tasks did not end in time");
    co_await step("relay", [&] { return relay_->stop(soon()); });
    co_await step("pg_pool", [&]() -> asio::awaitable<void> {
        const auto closed = co_await app_.pg_pool->close(soon());
        if (!closed)
            out_.warning("the Postgres pool did not close in time",
                         {{"reason", closed.error().what()}});
    });
    co_await step("redis_monitor", [&] { return app_.redis_monitor->stop(soon()); });
    co_await step("redis_clients", [&] { return close_redis_clients(app_, out_, soon()); });
}

asio::awaitable<int> worker_life::run() {
    tasks_.spawn("snapshots", report());
    auto started = co_await start();
    if (started && !stop_.is_set()) {
        is_ready_ = true;
        send_snapshot();
        status_.send({{"type", "ready"}});
        out_.info("ready", {{"worker", worker_id_}, {"role", to_string(settings_.role)}});
        co_await stop_.wait(deadline::max());
        out_.info("stopping");
    }
    if (!started && !stop_.is_set()) {
        out_.error("the start failed", {{"reason", started.error().what()}});
        status_.send({{"type", "failed"}, {"reason", started.error().what()}});
    }
    const bool failed = !started && !stop_.is_set();
    co_await close_all();
    co_await status_.stop(clock::now() + std::chrono::seconds(1));
    co_return failed ? 1 : 0;
}

}  // namespace

asio::awaitable<int> live(asio::any_io_executor executor, worker_start told, net::event stop,
                          log out) {
    worker_life life(std::move(executor), std::move(told), std::move(stop), std::move(out));
    co_return co_await life.run();
}

}  // namespace headroom::chat
