// SPDX-License-Identifier: Apache-2.0
// A redis-server of one test's own: in a new folder, on a unix socket and a free port, ended with
// the object. Not a client of ours, so that it can judge ours.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::test {

// Asked from the system; another process may take it before whoever asked does.
[[nodiscard]] std::uint16_t free_port();

class private_redis {
public:
    // `options` go to the server as they are: "--requirepass", "secret". Throws when the server
    // does not answer within 20 s.
    explicit private_redis(std::vector<std::string> options = {});
    ~private_redis();
    private_redis(const private_redis&) = delete;
    private_redis& operator=(const private_redis&) = delete;

    [[nodiscard]] const std::string& unix_path() const { return unix_path_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

    void start();    // again, on the same socket and port
    void kill();     // SIGKILL; returns when the process is gone
    void suspend();  // SIGSTOP: accepts, but answers nothing
    void resume();

    // The server's whole reply to one inline command, as it comes: "CLIENT LIST".
    [[nodiscard]] std::string ask(std::string_view command);
    // The names of all clients but the one who asks; unnamed ones are empty.
    [[nodiscard]] std::vector<std::string> client_names();
    [[nodiscard]] std::size_t count_clients(std::string_view name);

private:
    void wait_until_ready();

    std::vector<std::string> options_;
    std::string folder_;
    std::string unix_path_;
    std::string password_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace headroom::test
