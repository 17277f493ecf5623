// SPDX-License-Identifier: Apache-2.0
// The folder of the embedded servers: who owns it, what lies where, and that one chatd at a time
// uses it. Starts no server.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "chat/process/child_process.hpp"
#include "config/run_record.hpp"

namespace headroom::chat {

using config::recorded_server;
using config::run_record;

// `.headroom` of the working folder. As root /var/lib/headroom, with the servers' parts owned by
// the user postgres, or nobody where there is none: Postgres refuses root, and the user of its
// package exists for just this.
struct folder_place {
    std::string root;
    std::optional<system_user> server_user;  // empty: the user who runs chatd
};
[[nodiscard]] result<folder_place> default_place();

class data_folder {
public:
    // Makes what is missing and locks it. The detail of an error is one sentence for the operator.
    [[nodiscard]] static result<data_folder> open(const folder_place& place);
    ~data_folder();
    data_folder(data_folder&& other) noexcept;
    data_folder& operator=(data_folder&&) = delete;

    [[nodiscard]] const std::optional<system_user>& server_user() const { return server_user_; }
    [[nodiscard]] const std::string& root() const { return root_; }
    [[nodiscard]] std::string redis() const { return root_ + "/redis"; }
    [[nodiscard]] std::string postgres() const { return root_ + "/postgres"; }
    [[nodiscard]] std::string log_file(const std::string& server) const;
    // Short enough for a socket in it (107 bytes): in the folder itself, or under /tmp.
    [[nodiscard]] const std::string& socket_folder() const { return socket_folder_; }

    // What a former chatd left behind; empty when it stopped in order.
    [[nodiscard]] const std::optional<run_record>& former() const { return former_; }
    [[nodiscard]] result<void> write_record(const run_record& record) const;

    // A folder that only the servers' user may enter.
    [[nodiscard]] result<void> make_private(const std::string& path) const;
    // Made once and kept.
    [[nodiscard]] result<secret> session_secret() const;

    // At the end of an ordered stop: nothing is left to clean up.
    void forget_run();

private:
    data_folder(const folder_place& place, int lock)
        : root_(place.root), server_user_(place.server_user), lock_(lock) {}
    [[nodiscard]] result<void> choose_socket_folder();

    std::string root_;
    std::optional<system_user> server_user_;
    int lock_ = -1;
    std::string socket_folder_;
    std::optional<run_record> former_;
};

}  // namespace headroom::chat
