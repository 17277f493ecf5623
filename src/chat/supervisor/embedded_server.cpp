// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/embedded_server.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "net/deadline.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto restart_patience = 30s;  // for one start of a server that had died
// A server that ends at once is tried again so long: children of a killed Postgres hold its shared
// memory until they have seen that it is gone.
constexpr auto settle_patience = 5s;
constexpr auto settle_pause = 200ms;
constexpr auto probe_patience = 2s;
constexpr auto probe_pause = 20ms;
constexpr off_t log_bytes_max = 16 << 20;  // then the log begins anew at the next start

result<int> open_log(const std::string& path) {
    struct stat found{};
    const bool large = ::stat(path.c_str(), &found) == 0 && found.st_size > log_bytes_max;
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    const int descriptor = ::open(path.c_str(), flags | (large ? O_TRUNC : 0), 0600);
    if (descriptor < 0) {
        return failure(std::error_code(errno, std::generic_category()),
                       path + " cannot be written");
    }
    return descriptor;
}

}  // namespace

embedded_server::embedded_server(asio::any_io_executor executor, child_reaper& reaper, log out,
                                 server_plan plan)
    : reaper_(reaper), out_(std::move(out)), plan_(std::move(plan)), stopping_(executor) {}

asio::awaitable<result<void>> embedded_server::start(deadline by) {
    const deadline settled = std::min(by, clock::now() + settle_patience);
    for (;;) {
        auto answered = co_await start_once(by);
        const bool ended = process_ && process_->status();
        if (answered || !ended || clock::now() + settle_pause > settled) co_return answered;
        const bool stopped = co_await stopping_.wait(clock::now() + settle_pause);
        if (stopped) co_return answered;
    }
}

asio::awaitable<result<void>> embedded_server::start_once(deadline by) {
    const auto log_descriptor = open_log(plan_.log_file);
    if (!log_descriptor) co_return std::unexpected(log_descriptor.error());
    plan_.program.output_descriptor = *log_descriptor;
    started_ = clock::now();
    auto started = reaper_.start(plan_.program);
    ::close(*log_descriptor);
    if (!started) co_return std::unexpected(started.error());
    process_ = std::move(*started);
    auto answered = co_await wait_until_it_answers(by);
    ready_ = answered.has_value();
    if (ready_)
        out_.info("an embedded server answers",
                  {{"server", plan_.name}, {"server_pid", process_->mark().pid}});
    co_return answered;
}

asio::awaitable<result<void>> embedded_server::wait_until_it_answers(deadline by) {
    for (;;) {
        const bool answered = co_await plan_.answers(std::min(by, clock::now() + probe_patience));
        if (answered && !process_->status()) co_return result<void>();
        if (const auto& status = process_->status()) {
            co_return failure(std::make_error_code(std::errc::connection_refused),
                              fmt::format("the embedded {} {} before it answered: see {}",
                                          plan_.name, describe_status(*status), plan_.log_file));
        }
        if (clock::now() + probe_pause > by) {
            co_return failure(std::make_error_code(std::errc::timed_out),
                              fmt::format("the embedded {} did not answer in time: see {}",
                                          plan_.name, plan_.log_file));
        }
        // Ends early when the server does.
        (void)co_await process_->wait(clock::now() + probe_pause);
    }
}

asio::awaitable<void> embedded_server::keep_alive(std::function<void()> on_change) {
    while (!stopping_.is_set()) {
        (void)co_await process_->wait(deadline::max());
        ready_ = false;
        if (stopping_.is_set()) co_return;
        const auto now = clock::now();
        const auto again = restarts_.on_ended(started_, now);
        const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(again - now);
        out_.error("an embedded server ended by itself and is started again",
                   {{"server", plan_.name},
                    {"why", process_->status() ? describe_status(*process_->status()) : "?"},
                    {"log_file", plan_.log_file},
                    {"pause_ms", pause.count()}});
        const bool stopped = co_await stopping_.wait(again);
        if (stopped) co_return;
        const auto started = co_await start(clock::now() + restart_patience);
        if (!started) {
            out_.error("an embedded server could not be started again",
                       {{"server", plan_.name}, {"why", started.error().what()}});
            if (process_ && !process_->status()) process_->send_signal(SIGKILL);
        }
        on_change();
    }
}

asio::awaitable<void> embedded_server::stop(deadline by) {
    stopping_.set();
    if (!process_) co_return;
    co_await process_->stop(plan_.stop_signal, by);
    out_.info("an embedded server ended", {{"server", plan_.name}});
}

void embedded_server::kill() {
    stopping_.set();
    if (process_) process_->send_signal(plan_.urgent_signal);
}

}  // namespace headroom::chat
