// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/former_run.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "net/deadline.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto patience = 10s;  // for an orderly end, before SIGKILL
constexpr auto pause = 20ms;    // between two looks: they are not our children

struct leftover {
    process_mark process;
    std::string what;
    int stop_signal;
};

// Of a server that no record names: its pid file lies in the data folder, and it works there.
std::optional<process_mark> server_in(const std::string& folder, const std::string& pid_file) {
    std::ifstream file(folder + "/" + pid_file);
    pid_t pid = 0;
    if (!(file >> pid)) return std::nullopt;
    const auto mark = mark_of(pid);
    std::error_code ignored;
    const auto real = std::filesystem::canonical(folder, ignored);
    if (!mark || ignored || working_folder_of(pid) != real) return std::nullopt;
    return mark;
}

std::vector<leftover> leftovers_in(const data_folder& folder) {
    std::vector<leftover> all;
    if (const auto& record = folder.former()) {
        for (const process_mark& worker : record->workers)
            all.push_back({worker, "worker", SIGTERM});
        if (record->redis) all.push_back({record->redis->process, "redis-server", SIGTERM});
        if (record->postgres) all.push_back({record->postgres->process, "postgres", SIGINT});
    }
    if (const auto found = server_in(folder.redis(), "redis.pid"))
        all.push_back({*found, "redis-server", SIGTERM});
    if (const auto found = server_in(folder.postgres(), "postmaster.pid"))
        all.push_back({*found, "postgres", SIGINT});
    std::erase_if(all, [](const leftover& one) { return !is_alive(one.process); });
    return all;
}

bool any_alive(const std::vector<leftover>& all) {
    return std::ranges::any_of(all, [](const leftover& one) { return is_alive(one.process); });
}

asio::awaitable<bool> wait_all_gone(const std::vector<leftover>& all, deadline by) {
    while (any_alive(all)) {
        if (clock::now() >= by) co_return false;
        co_await net::sleep_until(std::min(by, clock::now() + pause));
    }
    co_return true;
}

void signal_all(const std::vector<leftover>& all, std::optional<int> number) {
    for (const leftover& one : all) {
        if (is_alive(one.process)) (void)::kill(one.process.pid, number.value_or(one.stop_signal));
    }
}

void remove_socket_folder(const data_folder& folder) {
    const auto& record = folder.former();
    if (!record || record->socket_folder == folder.socket_folder()) return;
    // Only what is ours beyond doubt: the record is a file that anybody may have edited.
    const std::filesystem::path path(record->socket_folder);
    if (path.parent_path() != "/tmp" || !path.filename().string().starts_with("headroom-")) return;
    std::error_code ignored;
    for (const char* name : {"redis.sock", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"})
        std::filesystem::remove(path / name, ignored);
    std::filesystem::remove(path, ignored);
}

}  // namespace

asio::awaitable<result<void>> end_former_run(const data_folder& folder, const log& out,
                                             deadline by) {
    const std::vector<leftover> all = leftovers_in(folder);
    for (const leftover& one : all) {
        out.warning("a former chatd was killed and left a process running: ending it",
                    {{"what", one.what}, {"left_pid", one.process.pid}});
    }
    signal_all(all, std::nullopt);
    const bool orderly = co_await wait_all_gone(all, std::min(by, clock::now() + patience));
    if (!orderly) {
        signal_all(all, SIGKILL);
        const bool gone = co_await wait_all_gone(all, by);
        if (!gone) {
            co_return failure(std::make_error_code(std::errc::device_or_resource_busy),
                              fmt::format("a process of a former chatd in {} does not end: see "
                                          "the log for its pid",
                                          folder.root()));
        }
    }
    remove_socket_folder(folder);
    co_return result<void>();
}

}  // namespace headroom::chat
