// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/execution_run.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "chat/core/chat_error.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

// Of an executor that has made its report, for its own end.
constexpr auto exit_patience = std::chrono::seconds(5);
// Of one whose output has ended: its end follows at once.
constexpr auto death_patience = std::chrono::seconds(2);
constexpr auto cancel_send_max = std::chrono::seconds(1);

error failed(std::string why) {
    return {.code = make_error_code(chat_errc::execution_failed), .detail = std::move(why)};
}

double seconds_of(clock::duration time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

execution_run::execution_run(executor_launcher& launcher, execution_order order,
                             execution_listener& to, const executor_options& options)
    : launcher_(launcher),
      order_(std::move(order)),
      to_(&to),
      options_(options),
      sequence_(order_.what.limits) {}

asio::awaitable<result<ended_report>> execution_run::run() {
    auto order = spell_order();
    if (!order) co_return std::unexpected(order.error());
    if (is_stopping()) co_return std::unexpected(failed("the code was stopped before it started"));
    read_by_ = clock::now() + options_.start_time_max;
    auto launched = launcher_.launch(order_.what);
    if (!launched)
        co_return std::unexpected(
            failed("the executor could not be started: " + launched.error().detail));
    executor_ = std::move(*launched);

    auto told = co_await talk(std::move(*order));
    auto finish_by = clock::now() + patience_;
    if (stop_by_) finish_by = std::min(finish_by, std::max(*stop_by_, clock::now()));
    const auto end = co_await executor_->finish(finish_by);
    executor_.reset();
    if (told) co_return told;
    co_return std::unexpected(failed(told.error().detail + ": it " + end));
}

void execution_run::ask_stop(deadline by) {
    stop_by_ = stop_by_ ? std::min(*stop_by_, by) : by;
}

result<std::string> execution_run::spell_order() {
    launcher_.prepare(order_.what);
    std::string line = to_line(order_);
    if (line.size() > request_bytes_max)
        return std::unexpected(failed(fmt::format(
            "the code, its arguments and its environment take {} bytes as an order, at most {} are "
            "allowed: shorten them",
            line.size(), request_bytes_max)));
    return line;
}

asio::awaitable<result<ended_report>> execution_run::talk(std::string order) {
    auto sent = co_await executor_->send_line(std::move(order), read_by_);
    if (!sent && is_stopping())
        co_return std::unexpected(failed("the code was stopped before it started"));
    if (!sent) {
        if (sent.error().code == std::errc::broken_pipe) patience_ = death_patience;
        co_return std::unexpected(
            failed("the executor did not take its order (" + sent.error().detail + ")"));
    }
    order_.comm.reset();  // the password is not kept longer than it is needed
    for (;;) {
        if (is_stopping() && !is_cancel_sent_) co_await send_cancel();
        const auto by = stop_by_ ? std::min(read_by_, *stop_by_) : read_by_;
        // One that always has a line ready is no reason to listen longer.
        if (clock::now() >= by)
            co_return std::unexpected(silence({std::make_error_code(std::errc::timed_out), {}}));
        auto line = co_await executor_->next_line(by);
        if (!line) {
            const bool is_woken = line.error().code == std::errc::operation_canceled;
            if (is_woken && is_stopping() && clock::now() < *stop_by_) continue;
            co_return std::unexpected(silence(line.error()));
        }
        if (!*line) {
            patience_ = death_patience;
            co_return std::unexpected(failed(
                is_stopping() ? "the code was stopped, and its executor ended without a report"
                              : "the executor ended without a report"));
        }
        auto end = take(**line);
        if (!end) co_return std::unexpected(end.error());
        if (!*end) continue;
        patience_ = exit_patience;
        co_return std::move(**end);
    }
}

asio::awaitable<void> execution_run::send_cancel() {
    is_cancel_sent_ = true;
    // Should it not take it, its time runs out at stop_by_.
    [[maybe_unused]] auto sent = co_await executor_->send_line(
        std::string(cancel_line), std::min(*stop_by_, clock::now() + cancel_send_max));
}

result<std::optional<ended_report>> execution_run::take(std::string_view line) {
    auto report = parse_report(line);
    if (!report)
        return std::unexpected(
            failed("the executor sent what is no report: " + report.error().detail));
    if (auto wrong = sequence_.on_report(*report); !wrong.empty())
        return std::unexpected(failed("the executor's reports make no sense: " + wrong));
    if (const auto* started = std::get_if<started_report>(&*report)) {
        read_by_ = clock::now() + order_.what.limits.wall_time + options_.end_time_max;
        if (to_ != nullptr) to_->on_started(*started);
    }
    if (const auto* output = std::get_if<output_report>(&*report)) {
        if (to_ != nullptr) to_->on_output(*output);
    }
    if (auto* end = std::get_if<ended_report>(&*report)) return std::move(*end);
    return std::optional<ended_report>();
}

error execution_run::silence(const error& why) const {
    if (why.code == std::errc::message_size)
        return failed(
            fmt::format("the executor sent a report of more than {} bytes", report_bytes_max));
    if (is_stopping()) return failed("the code was stopped, and its executor made no report");
    if (why.code != std::errc::timed_out)
        return failed("the executor's reports could not be read: " + why.what());
    if (!sequence_.is_started())
        return failed(fmt::format("the executor did not report a start within {:g} s",
                                  seconds_of(options_.start_time_max)));
    return failed(fmt::format(
        "the executor did not report the end within {:g} s, the time the code was allowed and {:g} "
        "s more",
        seconds_of(order_.what.limits.wall_time + options_.end_time_max),
        seconds_of(options_.end_time_max)));
}

}  // namespace headroom::chat
