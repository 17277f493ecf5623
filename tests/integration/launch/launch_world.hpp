// SPDX-License-Identifier: Apache-2.0
// A folder of stand-ins for chat-executor and docker, and an executor_service over them. The
// stand-ins act as the source text of an execution says: "act:silent". They speak what to_line()
// spells, so that they know no JSON.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/core/chat_error.hpp"
#include "chat/executor/execution_json.hpp"
#include "chat/executor/executor_service.hpp"
#include "chat/executor/launcher_choice.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::in;

inline constexpr const char* password = "correct-horse-battery";

inline std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// What it does is in its case statement. Not tail -f: it ends by itself with its reader.
inline constexpr const char* executor_script = R"(#!/bin/sh
folder=${STAND_IN_FOLDER:-${0%/*}}
say() { cat "$folder/$1"; }
until_end() { while IFS= read -r line; do [ -z "$1" ] || say "$1"; done; }
IFS= read -r order || { echo "no order came" >&2; exit 2; }
[ -z "$STAND_IN_RECORD" ] || printf '%s\n' "$order" > "$STAND_IN_RECORD"
case $order in
*act:answer*) say started; say output; say exited ;;
*act:never_run*) say not_run ;;
*act:tells*) cat /proc/$$/environ > "$folder/environ"; tr '\0' '\n' < /proc/$$/cmdline > "$folder/cmdline"
    ls /proc/self/fd > "$folder/fd"; say started; say exited ;;
*act:emits*) say started; say emitted ;;
*act:dies*) echo "first" >&2; echo "something broke" >&2; exit 3 ;;
*act:half*) say started; say output; exit 4 ;;
*act:killed*) say started; kill -9 $$ ;;
*act:nonsense*) echo "Segmentation fault?"; until_end ;;
*act:doubled*) say started; say started; until_end ;;
*act:endless*) say started; while :; do say empty_output || exit 1; done ;;
*act:long*) head -c 300000 /dev/zero | tr '\0' x; until_end ;;
*act:noisy*) say started; yes noise | head -n 200000 >&2; echo "the last line" >&2; exit 5 ;;
*act:silent*) echo $$ > "$folder/pid"; until_end ;;
*act:runs*) echo $$ > "$folder/pid"; say started; until_end cancelled ;;
*act:deaf*) echo $$ > "$folder/pid"; say started; trap '' TERM; exec sleep 1000 ;;
*act:leaves*) sleep 1000 & echo $! > "$folder/pid"; say started; exit 6 ;;
*) echo "no such act" >&2; exit 1 ;;
esac
)";

// Keeps what it was called with, a folder a call, in the order of the calls.
inline constexpr const char* docker_script = R"sh(#!/bin/sh
folder=${0%/*}
number=0
while ! mkdir "$folder/call-$number" 2>/dev/null; do number=$((number + 1)); done
call=$folder/call-$number
cat /proc/$$/environ > "$call/environ"
printf '%s\0' docker "$@" > "$call/argv"
case $1 in
run)
    if [ -e "$folder/refusal" ]; then
        cat "$folder/refusal" >&2
        exit "$(cat "$folder/refusal_code")"
    fi
    STAND_IN_FOLDER=$folder STAND_IN_RECORD=$call/stdin "$folder/chat-executor"
    exit $? ;;
kill)
    [ ! -e "$folder/kill_hangs" ] || exec tail -f /dev/null
    [ ! -e "$folder/kill_fails" ] || { echo "No such container" >&2; exit 1; }
    kill -9 "$(cat "$folder/pid")" ;;
rm)
    [ ! -e "$folder/kill_hangs" ] || exec tail -f /dev/null
    kill -9 "$(cat "$folder/pid")" ;;
esac
)sh";

class stand_in_folder {
public:
    stand_in_folder() {
        std::string pattern = (fs::temp_directory_path() / "launch-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
        write_program("chat-executor", executor_script);
        write_program("docker", docker_script);
        ended_report end;
        end.exit_code = 0;
        write("started", to_line(execution_report(started_report{})));
        write("output", to_line(execution_report(output_report{.text = "hello\n"})));
        write("empty_output", to_line(execution_report(output_report{})));
        write("exited", to_line(execution_report(end)));
        auto emitted = end;
        emitted.events = {.accepted = 2, .delivered = 2};
        write("emitted", to_line(execution_report(emitted)));
        ended_report cancelled;
        cancelled.signal = SIGKILL;
        cancelled.stopped = execution_stop::cancelled;
        write("cancelled", to_line(execution_report(cancelled)));
        ended_report not_run;
        not_run.start_error = "python3 is not installed";
        write("not_run", to_line(execution_report(not_run)));
    }
    ~stand_in_folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    stand_in_folder(const stand_in_folder&) = delete;
    stand_in_folder& operator=(const stand_in_folder&) = delete;

    void write_program(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name) << text;
        ::chmod((path_ / name).c_str(), 0755);
    }
    void write(const std::string& name, const std::string& line) const {
        std::ofstream(path_ / name) << line << '\n';
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        return read_file(path_ / name);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }
    // 0 until a stand-in has told its own.
    [[nodiscard]] pid_t told_pid() const {
        const std::string text = read("pid");
        return text.ends_with('\n') ? static_cast<pid_t>(std::atoi(text.c_str())) : 0;
    }

private:
    fs::path path_;
};

// Of a process that ended: nothing, or a zombie of somebody else's. One that was killed is there
// for a moment more.
inline bool is_gone(pid_t pid) {
    const auto by = clock::now() + std::chrono::seconds(5);
    while (mark_of(pid).has_value())
        if (clock::now() > by) return false;
    return true;
}

class recording_listener final : public execution_listener {
public:
    void on_waiting(std::size_t ahead) override { places.push_back(ahead); }
    void on_started(const started_report& /*how*/) override { ++started; }
    void on_output(const output_report& what) override { output += what.text; }

    std::vector<std::size_t> places;
    int started = 0;
    std::string output;
};

inline execution_request request_of(std::string act) {
    static int number = 0;
    execution_request what;
    what.execution_id = "run" + std::to_string(++number);
    what.program = {.language = "bash", .source = "act:" + std::move(act), .arguments = {}};
    return what;
}

inline comm_spec spec_with_password() {
    comm_spec spec;
    spec.server.host = "redis.example";
    spec.server.password = password;
    spec.name_prefix = "chat";
    spec.execution_id = "run1";
    spec.whose = {.tenant = "home", .project = "default"};
    spec.session_id = "s-1";
    spec.conversation_id = "c-1";
    spec.turn_id = "t-1";
    return spec;
}

// One call of run(), which a test may cancel.
struct running_call {
    recording_listener heard;
    asio::cancellation_signal cancel;
    std::optional<result<ended_report>> outcome;

    void give_up() { cancel.emit(asio::cancellation_type::terminal); }
};

class launch_world {
public:
    explicit launch_world(executor_options options = {.running_max = 2, .waiting_max = 4})
        : reaper(loop.get_executor()), options_(options) {
        std::signal(SIGPIPE, SIG_IGN);
    }

    void use(std::unique_ptr<executor_launcher> launcher) {
        service.emplace(loop.get_executor(), std::move(launcher), options_);
    }
    void use_child() { use(make(config::executor_settings{})); }
    [[nodiscard]] std::unique_ptr<executor_launcher> make(
        const config::executor_settings& settings) {
        auto made = make_launcher(settings, surroundings());
        if (!made) throw std::runtime_error(made.error().detail);
        return std::move(*made);
    }
    [[nodiscard]] launcher_surroundings surroundings() {
        return {.loop = loop.get_executor(),
                .reaper = reaper,
                .own_folder = folder.path().string(),
                .service = "chat",
                .variables = {{"PATH", folder.path().string() + ":/usr/bin:/bin"},
                              {"LANG", "C.UTF-8"},
                              {"HOME", folder.path().string()},
                              {"DOCKER_HOST", "unix:///nowhere.sock"},
                              {"REDIS_PASSWORD", password},
                              {"REDIS_URL", std::string("redis://:") + password + "@r"}}};
    }

    // Starts a call; it goes on when the loop runs.
    running_call& call(execution_request what, deadline by = in(30s),
                       std::optional<comm_spec> comm = {}) {
        auto& one = calls.emplace_back();
        asio::co_spawn(
            loop, service->run(std::move(what), std::move(comm), one.heard, by),
            asio::bind_cancellation_slot(
                one.cancel.slot(), [&one](std::exception_ptr thrown, result<ended_report> outcome) {
                    if (thrown) std::rethrow_exception(thrown);
                    one.outcome = std::move(outcome);
                }));
        return one;
    }
    // Of one execution that nothing disturbs.
    result<ended_report> outcome_of(execution_request what, deadline by = in(30s),
                                    std::optional<comm_spec> comm = {}) {
        auto& one = call(std::move(what), by, std::move(comm));
        until([&] { return one.outcome.has_value(); });
        return *one.outcome;
    }
    // The error's detail, or "" for a report.
    std::string failure_of(execution_request what, deadline by = in(30s)) {
        const auto outcome = outcome_of(std::move(what), by);
        if (outcome) return "";
        EXPECT_EQ(outcome.error().code, chat_errc::execution_failed);
        return outcome.error().detail;
    }
    void until(std::function<bool()> condition, clock::duration time = 20s) {
        const bool came = test::run_on(loop, test::wait_until(std::move(condition), in(time)));
        if (!came) throw std::runtime_error("what the test waits for did not come");
    }
    void stop() { test::run_on(loop, service->stop(in(10s))); }

    stand_in_folder folder;
    asio::io_context loop{1};
    child_reaper reaper;
    std::optional<executor_service> service;
    std::list<running_call> calls;

private:
    executor_options options_;
};

}  // namespace headroom::chat
