// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/executor_runtime.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "chat/executor/core/output_meter.hpp"
#include "chat/executor/event_forwarder.hpp"
#include "chat/executor/execution_json.hpp"
#include "chat/executor/order_pipe.hpp"
#include "chat/executor/program_run.hpp"
#include "chat/executor/report_pipe.hpp"
#include "chat/sdk/comm_context.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
// A report of so much output fits report_bytes_max, however it is escaped (six times, at worst).
using piece = std::array<char, 16UL * 1024>;
static_assert(sizeof(piece) * 6 + 1024 < report_bytes_max);

event_scope scope_of(const std::optional<comm_spec>& comm) {
    if (!comm) return {};
    return {.session_id = comm->session_id,
            .conversation_id = comm->conversation_id,
            .turn_id = comm->turn_id};
}

}  // namespace

// Event loop only.
struct executor_runtime::state {
    state(const asio::any_io_executor& on, runtime_options given)
        : loop(on),
          options(std::move(given)),
          orders(on),
          reports(on, [this] { note_orphaned("standard output is closed"); }),
          watching(on),
          pumps(on) {}

    asio::awaitable<std::optional<execution_order>> take_order();
    asio::awaitable<ended_report> carry_out(execution_order order);
    asio::awaitable<void> watch_orders();
    asio::awaitable<void> report_start(started_report how);
    asio::awaitable<void> pump_output(int descriptor, output_channel from, output_meter& meter);
    asio::awaitable<void> pump_events(int descriptor, event_forwarder& to);
    asio::awaitable<void> drain();
    asio::awaitable<emit_stats> close_comm();
    void stop(execution_stop why);
    void note_orphaned(std::string_view how);

    asio::any_io_executor loop;
    runtime_options options;
    order_pipe orders;
    report_pipe reports;
    net::task_group watching;
    net::task_group pumps;
    std::unique_ptr<program_run> program;
    bool is_orphaned = false;
    bool is_too_late = false;  // for more output and events
    bool has_ended = false;
};

void executor_runtime::state::stop(execution_stop why) {
    if (program) {
        program->stop(why);
    } else {
        orders.cancel();
    }
}

void executor_runtime::state::note_orphaned(std::string_view how) {
    if (std::exchange(is_orphaned, true) || has_ended) return;
    options.complain(std::string("the worker is gone: ").append(how));
    stop(execution_stop::orphaned);
}

asio::awaitable<std::optional<execution_order>> executor_runtime::state::take_order() {
    if (!orders.open(options.input) || !reports.open(options.output)) {
        options.complain("standard input and output must be pipes or sockets of a worker");
        co_return std::nullopt;
    }
    const auto line = co_await orders.order(clock::now() + options.order_time_max);
    if (!line) {
        options.complain(line.error().detail);
        co_return std::nullopt;
    }
    auto order = parse_order(*line);
    if (!order) {
        options.complain(order.error().detail);
        co_return std::nullopt;
    }
    co_return std::move(*order);
}

asio::awaitable<void> executor_runtime::state::watch_orders() {
    const bool at_end = co_await orders.watch(
        [this] { stop(execution_stop::cancelled); },
        [this] { options.complain("a line on standard input is not understood, and ignored"); });
    if (at_end) note_orphaned("standard input has ended");
}

asio::awaitable<void> executor_runtime::state::report_start(started_report how) {
    (void)co_await reports.send(to_line(how), deadline::max());
}

asio::awaitable<void> executor_runtime::state::pump_output(int descriptor, output_channel from,
                                                           output_meter& meter) {
    asio::posix::stream_descriptor pipe(loop, descriptor);
    piece bytes;
    for (bool is_open = true; is_open && !is_too_late;) {
        const auto [ec, size] = co_await pipe.async_read_some(asio::buffer(bytes), quietly);
        if (ec == asio::error::operation_aborted) co_return;
        is_open = !ec;
        std::string text = is_open ? meter.push({bytes.data(), size}) : meter.finish();
        if (text.empty()) continue;
        // As long as the worker needs: drain() bounds it when the program has ended.
        (void)co_await reports.send(to_line(output_report{.from = from, .text = std::move(text)}),
                                    deadline::max());
    }
}

asio::awaitable<void> executor_runtime::state::pump_events(int descriptor, event_forwarder& to) {
    asio::posix::stream_descriptor pipe(loop, descriptor);
    piece bytes;
    for (bool is_open = true; is_open && !is_too_late;) {
        const auto [ec, size] = co_await pipe.async_read_some(asio::buffer(bytes), quietly);
        if (ec == asio::error::operation_aborted) co_return;
        is_open = !ec;
        to.push({bytes.data(), size}, clock::now());
    }
    to.finish(clock::now());
}

// All writers are gone by now: what is left is what the pipes hold.
asio::awaitable<void> executor_runtime::state::drain() {
    const bool drained = co_await pumps.join(clock::now() + options.drain_time_max);
    if (drained) co_return;
    options.complain("the last output could not be delivered in time: the worker does not read");
    is_too_late = true;
    pumps.request_stop();
    (void)co_await pumps.join(deadline::max());
}

asio::awaitable<emit_stats> executor_runtime::state::close_comm() {
    const auto comm = get_comm();
    if (!comm) co_return emit_stats{};
    const auto time = is_orphaned ? options.flush_time_orphaned_max : options.flush_time_max;
    co_await comm->close(clock::now() + time);
    const emit_stats told = comm->stats();
    if (const auto why = comm->last_error(); why && told.held > 0)
        options.complain("events are undelivered: " + why->what());
    drop_chat_comm();
    co_return told;
}

asio::awaitable<ended_report> executor_runtime::state::carry_out(execution_order order) {
    const execution_request& what = order.what;
    if (order.comm) (void)make_chat_comm(loop, *order.comm);
    auto started = program_run::start(loop, what, options.own_folder);
    if (!started) {
        (void)co_await close_comm();
        co_return ended_report{.start_error = started.error().detail};
    }
    program = std::move(*started);

    output_meter output(what.limits.output_bytes);
    output_meter errors(what.limits.output_bytes);
    event_forwarder events(what.limits, scope_of(order.comm), clock::now());
    watching.spawn("watch orders", watch_orders());
    // Its own task, and the first to report: the limits are watched whether the worker reads or
    // not.
    pumps.spawn("start", report_start(started_report{.walls = program->walls()}));
    pumps.spawn("output",
                pump_output(program->take_output(), output_channel::standard_output, output));
    pumps.spawn("errors",
                pump_output(program->take_error(), output_channel::standard_error, errors));
    pumps.spawn("events", pump_events(program->take_events(), events));

    program_end end = co_await program->wait();
    co_await drain();
    const emit_stats emitted = co_await close_comm();
    ended_report how{.exit_code = end.exit_code,
                     .signal = end.signal,
                     .start_error = std::move(end.start_error),
                     .stopped = end.stopped,
                     .output_truncated = output.is_truncated(),
                     .error_truncated = errors.is_truncated(),
                     .output_bytes = output.bytes(),
                     .error_bytes = errors.bytes(),
                     .wall_time = end.wall_time,
                     .cpu_time = end.cpu_time,
                     .memory_bytes = end.memory_bytes,
                     .events = events.counts(emitted)};
    how.files = program->files(what.limits.files_listed, how.files_not_listed);
    co_return how;
}

executor_runtime::executor_runtime(asio::any_io_executor loop, runtime_options options)
    : state_(std::make_unique<state>(loop, std::move(options))) {}

executor_runtime::~executor_runtime() = default;

void executor_runtime::cancel() {
    state_->stop(execution_stop::cancelled);
}

asio::awaitable<runtime_end> executor_runtime::run() {
    state& self = *state_;
    auto order = co_await self.take_order();
    if (!order) co_return runtime_end::bad_order;
    ended_report how = co_await self.carry_out(std::move(*order));
    self.has_ended = true;
    // Before the report, so that whoever has read it finds nothing left.
    self.program.reset();
    const bool told = co_await self.reports.send(to_line(execution_report(std::move(how))),
                                                 clock::now() + self.options.report_time_max);
    self.watching.request_stop();
    (void)co_await self.watching.join(deadline::max());
    co_return told ? runtime_end::reported : runtime_end::failed;
}

}  // namespace headroom::chat
