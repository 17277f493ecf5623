// SPDX-License-Identifier: Apache-2.0
// chat-executor: runs one program for a turn, as the order on its standard input says. Decides
// nothing: chat/executor does.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/version.hpp"
#include "chat/executor/executor_runtime.hpp"

namespace {

using namespace headroom;
namespace asio = boost::asio;

constexpr int bad_usage = 64;  // EX_USAGE of sysexits.h

constexpr const char* usage =
    "usage: chat-executor [--help | --version]\n"
    "\n"
    "Runs one program for a turn of the chat, behind walls and within limits. It is started by\n"
    "a worker of chatd, not by hand: its standard input brings the order as a line of JSON, and\n"
    "its end means that the worker is gone; its standard output carries reports, a line each.\n"
    "Exit codes: 0 how the program ended was reported, 1 it could not be, 2 no valid order,\n"
    "64 wrong usage. See docs/executors.md.\n";

void complain(std::string_view what) {
    (void)std::fprintf(stderr, "chat-executor: %.*s\n", static_cast<int>(what.size()), what.data());
}

// Before the credentials are read: no other process of our user reads our memory, and we do not
// outlive the worker that started us, also when somebody else holds our standard input open. (When
// it was gone before, that has ended.) A signal that is handled: the code ends, its folders go.
bool shield() {
    return ::prctl(PR_SET_DUMPABLE, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;
}

std::string own_folder() {
    std::error_code ec;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", ec);
    return ec ? std::string() : own.parent_path().string();
}

int run() {
    asio::io_context loop(1);
    chat::executor_runtime runtime(loop.get_executor(),
                                   {.own_folder = own_folder(), .complain = complain});
    // `docker stop` and Ctrl-C: a report is still made. The first process of a container has no
    // default action for them.
    asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
    signals.async_wait([&](const boost::system::error_code& ended, int) {
        if (!ended) runtime.cancel();
    });
    auto end = chat::runtime_end::failed;
    asio::co_spawn(loop, runtime.run(),
                   [&](const std::exception_ptr& thrown, chat::runtime_end how) {
                       if (thrown) std::rethrow_exception(thrown);
                       end = how;
                       signals.cancel();
                   });
    loop.run();
    return static_cast<int>(end);
}

}  // namespace

int main(int count, char** words) {
    if (!shield()) {
        complain("the system does not let it protect the credentials it would be given (prctl)");
        return static_cast<int>(chat::runtime_end::failed);
    }
    const std::string_view word = count > 1 ? words[1] : "";
    if (word == "--help" || word == "-h") {
        (void)std::fputs(usage, stdout);
        return 0;
    }
    if (word == "--version") {
        (void)std::printf("chat-executor %.*s\n", static_cast<int>(version.size()), version.data());
        return 0;
    }
    if (count > 1 || ::isatty(STDIN_FILENO) == 1) {
        (void)std::fputs(usage, stderr);
        return bad_usage;
    }
    // A worker that went away is an error of one write, not the end of the process.
    (void)std::signal(SIGPIPE, SIG_IGN);
    return run();
}
