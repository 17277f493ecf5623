// SPDX-License-Identifier: Apache-2.0
// A Postgres server of one test's own: in a new folder, on a unix socket only, ended with the
// object. Asked through psql, not through a client of ours, so that it can judge ours.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::test {

struct private_postgres_options {
    int max_connections = 30;  // three of them are the superuser's
    // Lines put before "local all all trust" in pg_hba.conf.
    std::vector<std::string> access_rules;
};

class private_postgres {
public:
    // Ready, with a database `app` owned by the plain role `app`. Throws when the server does not
    // answer within 30 s. Started by root, the server runs as an unprivileged user.
    explicit private_postgres(private_postgres_options options = {});
    ~private_postgres();
    private_postgres(const private_postgres&) = delete;
    private_postgres& operator=(const private_postgres&) = delete;

    // libpq keywords and values of the role and database `app`.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> connection() const;
    [[nodiscard]] const std::string& folder() const { return folder_; }

    void start();  // again, in the same folder
    void kill();   // SIGKILL to the postmaster; its sessions end as soon as they notice
    void restart() {
        kill();
        start();
    }

    // The output of one statement run by the superuser in the database `app`, without header, its
    // columns parted by '|', without the last line end. Throws when psql fails.
    [[nodiscard]] std::string ask(std::string_view sql) const;
    void tell(std::string_view sql) const { (void)ask(sql); }
    // Sessions of clients whose application_name begins with `prefix`.
    [[nodiscard]] std::size_t sessions(std::string_view prefix = "chat:") const;

private:
    [[nodiscard]] pid_t spawn(const std::vector<std::string>& words) const;
    [[nodiscard]] std::string program(std::string_view name) const;
    // False when the server ended instead.
    [[nodiscard]] bool becomes_ready(std::chrono::steady_clock::time_point by);
    [[nodiscard]] std::pair<int, std::string> psql(std::string_view database,
                                                   std::string_view sql) const;

    private_postgres_options options_;
    std::string folder_;
    pid_t pid_ = -1;
};

}  // namespace headroom::test
