// SPDX-License-Identifier: Apache-2.0
// Runs programs as chat-executor does, and collects all that came of them. Judges nothing.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/executor/program_run.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::test {

inline constexpr std::uint64_t mib = 1024 * 1024;

// A folder with chat-executor-init, as it is built, and a stand-in for chat-emit.
class executor_folder {
public:
    executor_folder() {
        std::string pattern = "/tmp/hr-programs-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
        const auto own = std::filesystem::read_symlink("/proc/self/exe").parent_path();
        std::filesystem::create_symlink(own / "chat-executor-init", path_ / "chat-executor-init");
        std::ofstream(path_ / "chat-emit") << "#!/bin/sh\necho \"$*\" >&$CHAT_EVENTS_FD\n";
        std::filesystem::permissions(path_ / "chat-emit", std::filesystem::perms(0755));
    }
    ~executor_folder() { std::filesystem::remove_all(path_); }
    executor_folder(const executor_folder&) = delete;
    executor_folder& operator=(const executor_folder&) = delete;

    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

struct execution_result {
    std::string refused;  // why it was never started
    chat::isolation walls;
    chat::program_end end;
    std::string output;
    std::string error;
    std::string events;
    std::vector<chat::left_file> files;
    std::uint64_t files_not_listed = 0;

    // For a failure's message: everything a reader asks for first.
    [[nodiscard]] std::string told() const {
        return "refused: " + refused + "; start error: " + end.start_error +
               "; exit code: " + std::to_string(end.exit_code.value_or(-1)) +
               "; signal: " + std::to_string(end.signal.value_or(-1)) +
               "; stopped: " + (end.stopped ? std::string(to_string(*end.stopped)) : "no") +
               "; output: " + output.substr(0, 2000) + "; error: " + error.substr(0, 2000);
    }
};

inline chat::execution_request request_of(chat::execution_program program) {
    chat::execution_request what;
    what.execution_id = "test-1";
    what.program = std::move(program);
    what.limits.wall_time = std::chrono::seconds(20);
    return what;
}
inline chat::execution_request bash(std::string source) {
    return request_of({.language = "bash", .source = std::move(source)});
}
inline chat::execution_request python(std::string source) {
    return request_of({.language = "python3", .source = std::move(source)});
}
inline chat::execution_request program(std::vector<std::string> arguments) {
    return request_of({.arguments = std::move(arguments)});
}

// Reads all, and keeps the first MiB.
inline boost::asio::awaitable<void> collect(int descriptor, std::string& into) {
    namespace asio = boost::asio;
    const auto loop = co_await asio::this_coro::executor;
    asio::posix::stream_descriptor from(loop, descriptor);
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto [failed, size] = co_await from.async_read_some(
            asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
        if (failed) co_return;
        if (into.size() < mib) into.append(buffer.data(), size);
    }
}

// `meanwhile` runs while the program does.
class execution_world {
public:
    using meanwhile = std::function<boost::asio::awaitable<void>(chat::program_run&)>;

    [[nodiscard]] execution_result run(const chat::execution_request& what,
                                       const meanwhile& beside = {}) {
        execution_result all;
        auto started = chat::program_run::start(loop_.get_executor(), what, programs_.path());
        if (!started) {
            all.refused = started.error().detail;
            return all;
        }
        chat::program_run& running = **started;
        all.walls = running.walls();
        int still_reading = 3;
        const auto read = [&](int descriptor, std::string& into) {
            boost::asio::co_spawn(loop_, collect(descriptor, into),
                                  [&](std::exception_ptr) { --still_reading; });
        };
        read(running.take_output(), all.output);
        read(running.take_error(), all.error);
        read(running.take_events(), all.events);
        if (beside) boost::asio::co_spawn(loop_, beside(running), boost::asio::detached);
        all.end = run_on(loop_, running.wait());
        all.files = running.files(what.limits.files_listed, all.files_not_listed);
        EXPECT_TRUE(run_on(
            loop_, wait_until([&] { return still_reading == 0; }, in(std::chrono::seconds(10)))))
            << "something still holds a pipe of the program";
        return all;
    }

    boost::asio::io_context& loop() { return loop_; }
    [[nodiscard]] std::string programs() const { return programs_.path(); }

private:
    executor_folder programs_;
    boost::asio::io_context loop_{1};
};

// Processes of the machine whose command line has the word.
inline std::size_t processes_with(const std::string& word) {
    std::size_t count = 0;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
        std::ifstream file(entry.path() / "cmdline");
        std::string line(16UL * 1024, '\0');  // one that ends meanwhile has none
        file.read(line.data(), static_cast<std::streamsize>(line.size()));
        if (line.find(word) != std::string::npos) ++count;
    }
    return count;
}

inline bool is_gone(const std::string& word) {
    for (const auto by = in(std::chrono::seconds(10)); clock::now() < by;)
        if (processes_with(word) == 0) return true;
    return false;
}

}  // namespace headroom::test
