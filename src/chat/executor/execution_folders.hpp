// SPDX-License-Identifier: Apache-2.0
// The folders of one execution, below /tmp: made for it, measured, listed and removed. Not what
// runs in them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/executor/core/limit_watch.hpp"
#include "chat/executor/owned_descriptor.hpp"
#include "chat/process/child_process.hpp"

namespace headroom::chat {

class execution_folders {
public:
    // For a program of that user; empty: our own. Calls remove_stale(). The error names the folder.
    [[nodiscard]] static result<std::unique_ptr<execution_folders>> make(
        std::optional<system_user> owner);
    // Removes folders that executors of this user left which were killed, for at most 200 ms.
    static void remove_stale(std::chrono::seconds older_than);
    // Removes them, with whatever is in them, for at most 20 s. Nothing may run in them any more.
    ~execution_folders();
    execution_folders(const execution_folders&) = delete;
    execution_folders& operator=(const execution_folders&) = delete;

    [[nodiscard]] std::string work() const { return path_ + "/work"; }
    [[nodiscard]] std::string output() const { return path_ + "/out"; }
    [[nodiscard]] std::string temporary() const { return path_ + "/tmp"; }
    [[nodiscard]] std::string programs() const { return path_ + "/bin"; }

    // A new file in the working folder, for its owner to read.
    [[nodiscard]] result<void> put_source(std::string_view name, std::string_view text) const;
    // A copy that everybody may execute, in programs().
    [[nodiscard]] result<void> put_program(std::string_view name, int from) const;

    // Of all of them together; no further than just beyond `entries_max`.
    [[nodiscard]] folder_sample measure(std::uint64_t entries_max) const;
    // Regular files in output() and below, by name; names are made printable.
    [[nodiscard]] std::vector<left_file> files(std::uint32_t at_most,
                                               std::uint64_t& not_listed) const;

private:
    execution_folders(std::string path, owned_descriptor top, std::optional<system_user> owner)
        : path_(std::move(path)), top_(std::move(top)), owner_(owner) {}
    [[nodiscard]] result<void> make_inner(const char* name);

    std::string path_;
    owned_descriptor top_;  // locked while this object lives
    std::optional<system_user> owner_;
};

}  // namespace headroom::chat
