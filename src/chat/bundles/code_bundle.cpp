// SPDX-License-Identifier: Apache-2.0
// The bundle `code`: runs the first fenced code block of a message in an executor, streams what it
// prints, and tells how it ended and what files it left. Events that the code emits go to the
// session by themselves.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "chat/bundles/built_in_bundles.hpp"
#include "chat/core/fenced_code.hpp"
#include "chat/executor/core/languages.hpp"
#include "chat/executor/executor_service.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr std::size_t answer_bytes_max = 1024ULL * 1024;
// What is no UTF-8 grows threefold, and both channels go into the answer.
constexpr std::uint64_t output_bytes_max = answer_bytes_max / 8;
// The bound of the turn, waiting included; an execution has its own.
constexpr auto turn_time_max = std::chrono::hours(1);
constexpr std::string_view fence = "```\n";
constexpr std::string_view nul_shown = "\xEF\xBF\xBD";  // U+FFFD: Postgres stores no NUL

std::string without_nul(std::string text) {
    for (auto at = text.find('\0'); at != std::string::npos; at = text.find('\0', at))
        text.replace(at, 1, nul_shown);
    return text;
}

std::string size_text(std::uint64_t bytes) {
    constexpr double kib = 1024;
    if (bytes < 1024) return fmt::format("{} bytes", bytes);
    if (bytes < 1024ULL * 1024) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / kib);
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kib / kib);
}

std::string help() {
    return "Send code between fences, and it is run:\n\n```bash\necho \"Hello, $((6 * "
           "7))\"\n```\n\n"
           "Languages: " +
           language_names() + ". Files that it writes to $CHAT_OUTPUT_DIR are listed.";
}

std::string unknown_language(const std::string& language) {
    if (language.empty()) {
        return "Say behind the opening fence which language it is: " + language_names() + ".";
    }
    return "Code in '" + printable_excerpt(language) + "' cannot be run here; " + language_names() +
           " can.";
}

std::string walls_text(const isolation& walls) {
    std::string text = walls.by == "none" ? "without isolation" : "in " + walls.by;
    if (walls.network) text += ", with the network";
    return text;
}

// An execution as its person sees it: the output is the answer, what goes on is a step beside it.
class shown_execution final : public execution_listener {
public:
    shown_execution(answer_stream& answer, std::string name, std::string execution_id)
        : answer_(answer), name_(std::move(name)), execution_id_(std::move(execution_id)) {}

    void on_waiting(std::size_t ahead) override {
        show(step_status::running,
             ahead == 0 ? "Waiting for a free place" : fmt::format("Waiting: {} before it", ahead));
    }
    void on_started(const started_report& how) override {
        show(step_status::running, "Running " + walls_text(how.walls));
    }
    void on_output(const output_report& what) override {
        if (what.text.empty() || !outcome_) return;
        if (!is_open_) write(fence);
        is_open_ = true;
        write(without_nul(what.text));
        ends_line_ = what.text.ends_with('\n');
    }

    void on_ended(const ended_report& how, const execution_limits& within) {
        close_output();
        // Asked for: no accident, whatever signal did it.
        const bool is_cancelled = how.stopped == execution_stop::cancelled;
        auto text = is_cancelled ? std::string("stopped") : describe(how, within);
        if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() -= 'a' - 'A';
        if (how.start_error.empty()) {
            text +=
                fmt::format(" after {:.2f} s", static_cast<double>(how.wall_time.count()) / 1000);
        }
        write(text + ".\n");
        tell_losses(how);
        tell_files(how);
        const bool is_well = how.exit_code == 0 && !how.stopped && how.start_error.empty();
        show(is_well ? step_status::completed : step_status::error, text);
    }
    void on_failed(const error& why) {
        close_output();
        show(step_status::error, "It could not be run");
        if (why.code == chat_errc::queue_full) {
            write("Too many executions are waiting already. Please try again in a while.\n");
        }
    }

    // The first write that failed.
    [[nodiscard]] const result<void>& outcome() const { return outcome_; }

private:
    void write(std::string_view text) {
        if (outcome_) outcome_ = answer_.write(text);
    }
    void show(step_status status, std::string text) {
        answer_.show({.name = name_,
                      .status = status,
                      .text = std::move(text),
                      .data = {{"execution", execution_id_}}});
    }
    void close_output() {
        if (!is_open_) return;
        write(ends_line_ ? fence : "\n```\n");
        is_open_ = false;
    }
    void tell_losses(const ended_report& how) {
        if (how.output_truncated || how.error_truncated) {
            write(fmt::format("It wrote {}; only the beginning is shown.\n",
                              size_text(how.output_bytes + how.error_bytes)));
        }
        const auto& events = how.events;
        const auto lost =
            events.invalid + events.rate_limited + events.dropped + events.undelivered;
        if (lost > 0) {
            write(
                fmt::format("Of its events {} arrived and {} did not: {} not understood, {} beyond "
                            "the rate, {} while Redis was away.\n",
                            events.delivered, lost, events.invalid, events.rate_limited,
                            events.dropped + events.undelivered));
        }
    }
    void tell_files(const ended_report& how) {
        if (how.files.empty()) return;
        write("Files:\n");
        for (const auto& file : how.files)
            write(fmt::format("- {} ({})\n", printable_excerpt(file.name), size_text(file.bytes)));
        if (how.files_not_listed > 0) write(fmt::format("- and {} more\n", how.files_not_listed));
    }

    answer_stream& answer_;
    std::string name_;
    std::string execution_id_;
    result<void> outcome_;
    bool is_open_ = false;
    bool ends_line_ = true;
};

class code_bundle final : public bundle {
public:
    asio::awaitable<result<void>> handle(bundle_turn turn,
                                         const bundle_services& services) override {
        auto block = first_code_block(turn.request.text);
        if (!block) co_return turn.answer.write(help());
        if (!is_known_language(block->language)) {
            co_return turn.answer.write(unknown_language(block->language));
        }
        HEADROOM_ASSERT(services.executors != nullptr, "the bundle code has executors");
        const auto& with = *services.executors;

        execution_request what;
        what.execution_id = random_hex(8);
        what.program = {.language = std::move(block->language), .source = std::move(block->source)};
        what.limits = with.limits;
        what.limits.output_bytes = std::min(what.limits.output_bytes, output_bytes_max);
        what.may_run_unsandboxed = with.may_run_unsandboxed;
        auto comm = with.comm;
        comm.execution_id = what.execution_id;
        comm.session_id = turn.request.session_id;
        comm.conversation_id = turn.request.conversation_id;
        comm.turn_id = turn.request.turn_id;

        shown_execution shown(turn.answer, "Run " + what.program.language, what.execution_id);
        const auto within = what.limits;
        auto ended = co_await with.service.run(std::move(what), std::move(comm), shown, turn.by);
        if (!ended) {
            shown.on_failed(ended.error());
            co_return std::unexpected(std::move(ended.error()));
        }
        shown.on_ended(*ended, within);
        co_return shown.outcome();
    }
};

}  // namespace

bundle_definition code_definition() {
    return {.name = "code",
            .summary = "Runs the first fenced code block of a message.",
            .limits = {.time_max = turn_time_max, .answer_bytes_max = answer_bytes_max},
            .claims = [](std::string_view text) { return first_code_block(text).has_value(); },
            .make = [](const bundle_values&) { return std::make_unique<code_bundle>(); }};
}

}  // namespace headroom::chat
