// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/supervisor.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/ids.hpp"
#include "chat/http/server.hpp"
#include "chat/log.hpp"
#include "chat/supervisor/admin_pages.hpp"
#include "chat/supervisor/embedded_servers.hpp"
#include "chat/supervisor/listener.hpp"
#include "chat/supervisor/open_files.hpp"
#include "chat/supervisor/worker_fleet.hpp"
#include "config/worker_slot.hpp"
#include "net/event.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr const char* loopback = "127.0.0.1";
constexpr auto port_patience = 3s;      // for workers of a killed chatd to let go of the port
constexpr auto servers_patience = 10s;  // for embedded servers to end, after the workers
constexpr auto admin_patience = 500ms;  // for admin connections to be closed
// A worker's own bounds end a little before ours: its reason is told, its last steps are taken.
constexpr double worker_share = 0.9;
constexpr double worker_seconds_min = 0.1;
constexpr std::size_t secret_bytes = 32;

std::string share_of(std::chrono::duration<double> whole) {
    return fmt::format("{:.3f}", std::max(worker_seconds_min, whole.count() * worker_share));
}

class supervisor {
public:
    supervisor(asio::any_io_executor executor, config::settings settings,
               config::environment environment)
        : executor_(executor),
          settings_(std::move(settings)),
          environment_(std::move(environment)),
          out_("supervisor"),
          reaper_(executor),
          signals_(executor, SIGTERM, SIGINT),
          stop_asked_(executor),
          servers_(executor, reaper_, out_) {}

    asio::awaitable<int> run();

private:
    asio::awaitable<result<void>> start();
    asio::awaitable<result<void>> open_sockets();
    void start_admin();
    asio::awaitable<http::response> answer(http::request asked);
    void start_workers();
    asio::awaitable<result<void>> wait_until_ready();
    asio::awaitable<void> stop();

    void await_signals();
    void print_ready() const;
    void write_record() const;
    [[nodiscard]] system_view view() const;
    [[nodiscard]] std::vector<std::string> worker_environment(
        const config::worker_slot& slot) const;

    // Fixed at construction.
    asio::any_io_executor executor_;
    const config::settings settings_;
    const config::environment environment_;
    const log out_;
    const deadline start_by_ = clock::now() + settings_.start_timeout;

    // Event loop only.
    child_reaper reaper_;
    asio::signal_set signals_;
    net::event stop_asked_;
    listener public_;
    listener admin_;
    std::string admin_url_;
    embedded_servers servers_;
    std::optional<worker_fleet> fleet_;
    std::optional<http::server> admin_server_;
    config::environment overrides_;
};

asio::awaitable<int> supervisor::run() {
    await_signals();
    const auto started = co_await start();
    if (!started && !stop_asked_.is_set()) {
        out_.error("chatd cannot start", {{"why", started.error().detail}});
        (void)std::fprintf(stderr, "chatd: cannot start: %s\n", started.error().detail.c_str());
    }
    const bool failed = !started && !stop_asked_.is_set();
    if (started) (void)co_await stop_asked_.wait(deadline::max());
    co_await stop();
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    co_return failed ? 1 : 0;
}

asio::awaitable<result<void>> supervisor::start() {
    auto opened = co_await open_sockets();
    if (!opened) co_return opened;
    const auto path = environment_.find("PATH");
    auto served = co_await servers_.start(
        settings_, path == environment_.end() ? "/usr/bin:/bin" : path->second,
        [this] { write_record(); }, start_by_);
    if (!served) co_return served;
    if (stop_asked_.is_set()) co_return result<void>();
    start_admin();
    start_workers();
    auto ready = co_await wait_until_ready();
    if (ready && !stop_asked_.is_set()) print_ready();
    co_return ready;
}

asio::awaitable<result<void>> supervisor::open_sockets() {
    const auto by = std::min(start_by_, clock::now() + port_patience);
    auto opened = co_await open_listener({settings_.bind, settings_.app_port, "CHAT_APP_PORT"}, by);
    if (!opened) co_return std::unexpected(opened.error());
    public_ = std::move(*opened);
    auto admin = co_await open_listener({loopback, settings_.admin_port, "CHAT_ADMIN_PORT"}, by);
    if (!admin) co_return std::unexpected(admin.error());
    admin_ = std::move(*admin);
    admin_url_ = admin_.url();
    co_return result<void>();
}

void supervisor::start_admin() {
    http::server_options options;
    options.connections_max = 64;
    options.on_fault = [this](std::string_view what) {
        out_.error("an admin page failed", {{"why", what}});
    };
    admin_server_.emplace(executor_, admin_.release(), std::move(options),
                          [this](http::request asked) { return answer(std::move(asked)); });
    admin_server_->start();
}

asio::awaitable<http::response> supervisor::answer(http::request asked) {
    co_return answer_admin(asked, view());
}

void supervisor::start_workers() {
    overrides_ = config::same_gateway(settings_);
    for (const auto& [name, value] : servers_.overrides())
        overrides_.insert_or_assign(name, value);
    if (!settings_.session_secret && !overrides_.contains("CHAT_SESSION_SECRET")) {
        overrides_["CHAT_SESSION_SECRET"] = random_hex(secret_bytes);
        out_.warning(
            "CHAT_SESSION_SECRET is unset: sessions end with this chatd, and no other instance "
            "knows them");
    }
    fleet_options options{
        .workers = settings_.capacity.processes_per_instance,
        .listen_descriptor = public_.descriptor(),
        .ready_within = settings_.start_timeout + 5s,
        .environment = [this](const auto& slot) { return worker_environment(slot); },
        .on_change = [this] { write_record(); }};
    fleet_.emplace(executor_, reaper_, out_, std::move(options));
    fleet_->start();
}

std::vector<std::string> supervisor::worker_environment(const config::worker_slot& slot) const {
    using seconds = std::chrono::duration<double>;
    config::environment overrides = overrides_;
    overrides["CHAT_SHUTDOWN_BUDGET_SEC"] = share_of(seconds(settings_.shutdown_budget));
    // Later replacements have the whole time: `start_by_` is long past.
    if (fleet_ && !fleet_->was_ever_ready())
        overrides["CHAT_START_TIMEOUT_SEC"] = share_of(seconds(start_by_ - clock::now()));
    return config::worker_environment(environment_, overrides, slot);
}

asio::awaitable<result<void>> supervisor::wait_until_ready() {
    while (!stop_asked_.is_set()) {
        const bool ready = co_await fleet_->wait_first_ready(
            std::min(start_by_, clock::now() + std::chrono::milliseconds(100)));
        if (ready) co_return result<void>();
        if (clock::now() < start_by_) continue;
        const std::string& reason = fleet_->last_reason();
        co_return failure(
            std::make_error_code(std::errc::timed_out),
            fmt::format("no worker was ready within {} s (CHAT_START_TIMEOUT_SEC); the last "
                        "reason: {}",
                        std::chrono::duration<double>(settings_.start_timeout).count(),
                        reason.empty() ? "none was told" : reason));
    }
    co_return result<void>();
}

void supervisor::await_signals() {
    signals_.async_wait([this](const boost::system::error_code& ended, int number) {
        if (ended) return;
        if (stop_asked_.is_set()) {
            out_.warning("a second signal: ending at once", {{"signal", number}});
            if (fleet_) fleet_->kill();
            servers_.kill();
            ::_exit(1);
        }
        out_.info("stopping", {{"signal", number}});
        stop_asked_.set();
        await_signals();
    });
}

asio::awaitable<void> supervisor::stop() {
    stop_asked_.set();
    public_.close();
    if (fleet_) co_await fleet_->stop(clock::now() + settings_.shutdown_budget);
    if (admin_server_) {
        admin_server_->stop_accepting();
        co_await admin_server_->drain(clock::now() + admin_patience);
    }
    co_await servers_.stop(clock::now() + servers_patience);
    out_.info("stopped");
}

void supervisor::print_ready() const {
    (void)std::printf("chatd is ready: %s  (admin %s)\n", public_.url().c_str(),
                      admin_url_.c_str());
    (void)std::fflush(stdout);
}

void supervisor::write_record() const {
    run_record record;
    record.supervisor = mark_of(::getpid()).value_or(process_mark{});
    record.public_url = public_.url();
    record.admin_url = admin_url_;
    if (fleet_) {
        for (const worker_view& one : fleet_->workers()) {
            if (one.state != worker_state::pausing) record.workers.push_back(one.process);
        }
    }
    servers_.write_record(std::move(record));
}

system_view supervisor::view() const {
    static const std::vector<worker_view> none;
    return {.settings = settings_,
            .workers = fleet_ ? fleet_->workers() : none,
            .servers = servers_.view(),
            .supervisor_pid = ::getpid(),
            .stopping = stop_asked_.is_set(),
            .now = clock::now()};
}

}  // namespace

int supervisor_main(config::settings settings, config::environment environment) {
    const auto raised = raise_open_files(settings);
    if (!raised) {
        (void)std::fprintf(stderr, "chatd: %s\n", raised.error().detail.c_str());
        return 2;
    }
    asio::io_context loop(1);
    int exit_code = 1;
    supervisor chatd(loop.get_executor(), std::move(settings), std::move(environment));
    asio::co_spawn(loop, chatd.run(), [&exit_code, &loop](std::exception_ptr thrown, int code) {
        if (thrown) std::rethrow_exception(thrown);
        exit_code = code;
        loop.stop();
    });
    loop.run();
    return exit_code;
}

}  // namespace headroom::chat
