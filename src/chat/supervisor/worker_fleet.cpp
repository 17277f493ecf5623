// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/worker_fleet.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "chat/core/line_frames.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A snapshot names each owner of each pool; what is longer comes from a worker gone astray.
constexpr std::size_t frame_bytes_max = 256 * 1024;
constexpr std::size_t reason_bytes_max = 500;
constexpr auto last_frames_within = 1s;  // after its end, to read what it still said

}  // namespace

// What one worker's process is reached by; a replacement gets a new one.
struct worker_fleet::place {
    explicit place(const asio::any_io_executor& on) : status(on), heard_all(on) {}
    asio::local::stream_protocol::socket status;
    net::event heard_all;
    std::shared_ptr<child_process> child;
    clock::time_point started{};
    bool failure_told = false;  // by the worker itself, or by us: its exit code says less
};

std::string_view to_string(worker_state of) {
    switch (of) {
        case worker_state::starting:
            return "starting";
        case worker_state::ready:
            return "ready";
        case worker_state::stopping:
            return "stopping";
        case worker_state::pausing:
            break;
    }
    return "pausing";
}

worker_fleet::worker_fleet(asio::any_io_executor executor, child_reaper& reaper, log out,
                           fleet_options options)
    : executor_(executor),
      reaper_(reaper),
      out_(std::move(out)),
      options_(std::move(options)),
      views_(options_.workers.value()),
      places_(options_.workers.value()),
      first_ready_(executor),
      stopping_(executor),
      tasks_(executor) {}

worker_fleet::~worker_fleet() = default;

void worker_fleet::start() {
    for (std::uint32_t index = 0; index < views_.size(); ++index) {
        views_[index].index = index;
        tasks_.spawn(fmt::format("worker {}", index), fill(index));
    }
}

asio::awaitable<void> worker_fleet::fill(std::uint32_t index) {
    restart_policy restarts;
    while (!stopping_.is_set()) {
        const auto started = clock::now();
        if (start_worker(index)) co_await watch(index);
        views_[index].state = worker_state::pausing;
        views_[index].snapshot.reset();
        changed();
        if (stopping_.is_set()) co_return;
        const auto now = clock::now();
        const auto again = restarts.on_ended(started, now);
        ++views_[index].restarts;
        const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(again - now);
        out_.warning("a worker is replaced", {{"index", index},
                                              {"ended_pid", views_[index].process.pid},
                                              {"why", views_[index].last_reason},
                                              {"pause_ms", pause.count()}});
        (void)co_await stopping_.wait(again);
    }
}

bool worker_fleet::start_worker(std::uint32_t index) {
    places_[index].reset();
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        note_failure(index, "no socketpair could be made");
        return false;
    }
    auto fresh = std::make_shared<place>(executor_);
    fresh->status.assign(asio::local::stream_protocol(), pair[0]);
    const config::worker_slot slot{
        .index = index, .listen_fd = options_.listen_descriptor, .status_fd = pair[1]};
    spawn_options program;
    program.program = "/proc/self/exe";
    program.arguments = {"chatd", "worker"};
    program.environment = options_.environment(slot);
    program.kept_descriptors = {slot.listen_fd, slot.status_fd};
    program.death_signal = SIGTERM;
    fresh->started = clock::now();
    auto child = reaper_.start(program);
    ::close(pair[1]);
    if (!child) {
        note_failure(index, child.error().detail);
        return false;
    }
    fresh->child = std::move(*child);
    worker_view& view = views_[index];
    view.process = fresh->child->mark();
    view.state = worker_state::starting;
    view.started_at = std::chrono::system_clock::now();
    view.snapshot.reset();
    places_[index] = fresh;
    tasks_.spawn(fmt::format("frames of worker {}", index), listen(index, fresh));
    out_.info("a worker was started", {{"index", index}, {"worker_pid", view.process.pid}});
    changed();
    return true;
}

// Until the worker is gone and all it said was heard.
asio::awaitable<void> worker_fleet::watch(std::uint32_t index) {
    const auto held = places_[index];
    const bool ended = co_await held->child->wait(held->started + options_.ready_within);
    if (!ended && views_[index].state == worker_state::starting) {
        note_failure(index, "was not ready in time");
        held->child->send_signal(SIGKILL);
    }
    (void)co_await held->child->wait(deadline::max());
    const bool heard = co_await held->heard_all.wait(clock::now() + last_frames_within);
    boost::system::error_code ignored;
    if (!heard) held->status.close(ignored);
    (void)co_await held->heard_all.wait(deadline::max());
    const std::string how = describe_status(held->child->status().value_or(0));
    if (stopping_.is_set()) {
        out_.info("a worker ended", {{"index", index}, {"how", how}});
    } else if (!held->failure_told) {
        note_failure(index, how);
    }
}

asio::awaitable<void> worker_fleet::listen(std::uint32_t index, std::shared_ptr<place> to) {
    line_frames frames(frame_bytes_max);
    std::array<char, 16 * 1024> buffer{};
    boost::system::error_code failed;
    bool trusted = true;
    while (trusted) {
        const std::size_t got = co_await to->status.async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failed));
        if (failed) break;
        frames.push(std::string_view(buffer.data(), got));
        while (auto line = frames.next())
            trusted = trusted && take_frame(index, *line);
        trusted = trusted && !frames.is_overlong();
    }
    if (!trusted) {
        note_failure(index, "sent a frame that is none");
        to->child->send_signal(SIGKILL);
    }
    to->heard_all.set();
}

bool worker_fleet::take_frame(std::uint32_t index, const std::string& line) {
    boost::system::error_code malformed;
    boost::json::value parsed = boost::json::parse(line, malformed);
    boost::json::object* frame = malformed ? nullptr : parsed.if_object();
    const boost::json::value* type = frame != nullptr ? frame->if_contains("type") : nullptr;
    if (type == nullptr || !type->is_string()) return false;
    const std::string_view name = type->get_string();
    if (name == "ready") {
        note_ready(index);
    } else if (name == "snapshot") {
        views_[index].snapshot = std::move(*frame);
        views_[index].snapshot_at = clock::now();
    } else if (name == "failed") {
        const boost::json::value* reason = frame->if_contains("reason");
        const bool said = reason != nullptr && reason->is_string();
        note_failure(index, said ? std::string(reason->get_string()) : "gave no reason");
    }
    // Others are for a later supervisor.
    return true;
}

void worker_fleet::note_ready(std::uint32_t index) {
    worker_view& view = views_[index];
    if (view.state != worker_state::starting) return;
    view.state = worker_state::ready;
    view.last_reason.clear();
    out_.info("a worker is ready", {{"index", index}, {"worker_pid", view.process.pid}});
    first_ready_.set();
    changed();
}

void worker_fleet::note_failure(std::uint32_t index, std::string why) {
    views_[index].last_reason = printable_excerpt(why, reason_bytes_max);
    last_reason_ = fmt::format("worker {}: {}", index, views_[index].last_reason);
    if (places_[index]) places_[index]->failure_told = true;
}

void worker_fleet::changed() const {
    if (options_.on_change) options_.on_change();
}

asio::awaitable<void> worker_fleet::stop(deadline by) {
    stopping_.set();
    for (std::uint32_t index = 0; index < views_.size(); ++index) {
        if (!places_[index]) continue;
        if (views_[index].state != worker_state::pausing)
            views_[index].state = worker_state::stopping;
        places_[index]->child->send_signal(SIGTERM);
    }
    const bool orderly = co_await tasks_.join(by);
    if (orderly) co_return;
    out_.error("workers did not end in time and are killed");
    kill();
    (void)co_await tasks_.join(deadline::max());
}

void worker_fleet::kill() {
    stopping_.set();
    for (const auto& one : places_) {
        if (one) one->child->send_signal(SIGKILL);
    }
}

}  // namespace headroom::chat
