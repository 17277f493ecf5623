// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/embedded_postgres.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "chat/process/program_search.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr std::uint64_t max_connections_min = 100;
// Reserved for the superuser, and room for people beside our workers.
constexpr std::uint64_t spare_connections = 13;

struct outcome {
    int status = 0;
    std::string output;
};

// Runs a program to its end and keeps what it wrote.
asio::awaitable<result<outcome>> run(child_reaper& reaper, spawn_options options, deadline by) {
    const int output = ::memfd_create("output", MFD_CLOEXEC);
    if (output < 0)
        co_return failure(std::error_code(errno, std::generic_category()), "memfd_create");
    options.output_descriptor = output;
    options.death_signal = SIGKILL;
    const auto child = reaper.start(options);
    bool ended = false;
    if (child) {
        ended = co_await (*child)->wait(by);
        if (!ended) co_await (*child)->stop(SIGKILL, deadline::max());
    }
    std::string text(64 * 1024, '\0');
    const ssize_t got = ::pread(output, text.data(), text.size(), 0);
    ::close(output);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (!child) co_return std::unexpected(child.error());
    if (!ended) {
        co_return failure(std::make_error_code(std::errc::timed_out),
                          options.program + " did not end in time");
    }
    co_return outcome{.status = (*child)->status().value_or(-1), .output = std::move(text)};
}

struct cluster {
    const data_folder& folder;
    child_reaper& reaper;
    std::string path_variable;
    deadline by;

    [[nodiscard]] spawn_options program(const std::string& bin, const std::string& name,
                                        std::vector<std::string> arguments) const {
        spawn_options options;
        options.program = bin + "/" + name;
        options.arguments = std::move(arguments);
        // With its folder: from there, or else from PATH, a Postgres program finds its neighbours.
        options.arguments.insert(options.arguments.begin(), options.program);
        options.environment = {fmt::format("PATH={}", path_variable), "LC_ALL=C.UTF-8"};
        options.working_folder = "/";
        options.user = folder.server_user();
        return options;
    }
};

// "postgres (PostgreSQL) 15.14 (Debian ...)" -> "15"
asio::awaitable<std::string> version_of(const cluster& of, std::string bin) {
    const auto ran = co_await run(of.reaper, of.program(bin, "postgres", {"--version"}), of.by);
    if (!ran) co_return "";
    const std::string& text = ran->output;
    const std::size_t start = text.find_first_of("0123456789");
    if (start == std::string::npos) co_return "";
    co_return text.substr(start, text.find_first_not_of("0123456789", start) - start);
}

// The version that made the data, empty when there is none yet.
result<std::string> data_version(const std::string& data) {
    std::error_code ignored;
    if (!fs::exists(data, ignored) || fs::is_empty(data, ignored)) return std::string();
    std::string version;
    if (std::FILE* file = std::fopen((data + "/PG_VERSION").c_str(), "re")) {
        char buffer[16] = {};
        const std::size_t got = std::fread(buffer, 1, sizeof buffer - 1, file);
        version.assign(buffer, got);
        (void)std::fclose(file);
        while (!version.empty() && (version.back() == '\n' || version.back() == '\r'))
            version.pop_back();
    }
    if (!version.empty()) return version;
    return failure(std::make_error_code(std::errc::directory_not_empty),
                   fmt::format("{} holds files but no Postgres data: move it away", data));
}

// The folder of the programs that fit the data.
asio::awaitable<result<std::string>> choose_programs(const cluster& of, std::string made_by) {
    const std::vector<std::string> folders = postgres_folders(of.path_variable);
    if (folders.empty()) {
        co_return failure(std::make_error_code(std::errc::no_such_file_or_directory),
                          "no Postgres server (initdb, postgres, pg_isready) was found in PATH or "
                          "/usr/lib/postgresql: install it (apt-get install postgresql-15), or "
                          "name a server with PGHOST");
    }
    if (made_by.empty()) co_return folders.front();
    std::string found;
    for (const std::string& folder : folders) {
        const std::string version = co_await version_of(of, folder);
        if (version == made_by) co_return folder;
        if (!found.empty()) found += " and ";
        found += version;
    }
    co_return failure(
        std::make_error_code(std::errc::not_supported),
        fmt::format("{} was made by Postgres {}, but the one installed is {}: install "
                    "postgresql-{}, or move that folder away to begin anew",
                    of.folder.postgres(), printable_excerpt(made_by, 8), found,
                    printable_excerpt(made_by, 8)));
}

asio::awaitable<result<void>> run_or_say(const cluster& of, spawn_options options,
                                         std::string what) {
    const auto ran = co_await run(of.reaper, std::move(options), of.by);
    if (!ran) co_return std::unexpected(ran.error());
    if (ran->status == 0) co_return result<void>();
    const std::size_t tail = ran->output.size() > 300 ? ran->output.size() - 300 : 0;
    co_return failure(std::make_error_code(std::errc::io_error),
                      fmt::format("{} {}: {}", what, describe_status(ran->status),
                                  printable_excerpt(ran->output.substr(tail), 300)));
}

// Made beside its place and moved there whole: a start that was killed leaves no half cluster.
asio::awaitable<result<void>> make_cluster(const cluster& of, std::string bin) {
    const std::string fresh = of.folder.postgres() + ".new";
    std::error_code failed;
    fs::remove_all(fresh, failed);
    if (auto made = of.folder.make_private(fresh); !made) co_return made;
    auto initialised = co_await run_or_say(
        of,
        of.program(bin, "initdb",
                   {"--pgdata", fresh, "--username", embedded_postgres_user, "--auth", "trust",
                    "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"}),
        "initdb");
    if (!initialised) co_return initialised;
    fs::remove(of.folder.postgres(), failed);  // an empty one, or none
    fs::rename(fresh, of.folder.postgres(), failed);
    if (failed) co_return failure(failed, of.folder.postgres() + " cannot be made");
    co_return result<void>();
}

asio::awaitable<bool> is_accepting(child_reaper& reaper, spawn_options pg_isready, deadline by) {
    const auto ran = co_await run(reaper, std::move(pg_isready), by);
    co_return ran && ran->status == 0;
}

}  // namespace

asio::awaitable<result<server_plan>> plan_postgres(const data_folder& folder, child_reaper& reaper,
                                                   std::string path_variable,
                                                   connection_count connections, deadline by) {
    const cluster of{folder, reaper, std::move(path_variable), by};
    const auto made_by = data_version(folder.postgres());
    if (!made_by) co_return std::unexpected(made_by.error());
    const auto bin = co_await choose_programs(of, *made_by);
    if (!bin) co_return std::unexpected(bin.error());
    if (made_by->empty()) {
        auto made = co_await make_cluster(of, *bin);
        if (!made) co_return std::unexpected(made.error());
    }
    const std::string& sockets = folder.socket_folder();
    const std::uint64_t most =
        std::max(max_connections_min, connections.value() + spare_connections);
    server_plan plan{
        .name = "postgres",
        .program =
            of.program(*bin, "postgres",
                       {"-D", folder.postgres(), "-c", "listen_addresses=", "-c",
                        "unix_socket_directories=" + sockets, "-c", "unix_socket_permissions=0700",
                        "-c", "port=5432", "-c", fmt::format("max_connections={}", most), "-c",
                        "logging_collector=off", "-c", "log_destination=stderr"}),
        .log_file = folder.log_file("postgres"),
        .socket = sockets,
        .stop_signal = SIGINT,
        .urgent_signal = SIGQUIT,  // SIGKILL would leave its children behind
        .answers = {}};
    plan.program.death_signal = SIGINT;
    const spawn_options asking = of.program(
        *bin, "pg_isready",
        {"-q", "-h", sockets, "-p", "5432", "-d", embedded_postgres_database, "-t", "2"});
    plan.answers = [&reaper, asking](deadline at_most) {
        return is_accepting(reaper, asking, at_most);
    };
    co_return plan;
}

}  // namespace headroom::chat
