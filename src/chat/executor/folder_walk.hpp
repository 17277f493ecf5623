// SPDX-License-Identifier: Apache-2.0
// Goes through a folder in which code that is not trusted does what it likes, also while one
// looks: follows no link, leaves no folder, and ends.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/time.hpp"
#include "chat/executor/owned_descriptor.hpp"

namespace headroom::chat {

// Opens the folder `name` of `parent` to be read; no link is followed. One that its owner may not
// read gets its owner's rights back. Else not open, with errno set.
[[nodiscard]] owned_descriptor enter_folder(int parent, const char* name);

struct walk_bounds {
    std::uint64_t entries_max = 10'000;
    unsigned levels_max = 128;
};

// Calls `on_entry` with the path below `folder` and what lstat(2) says, for each entry but "." and
// "..", entering folders as enter_folder does. False when a bound was reached or
// a folder could not be read.
bool walk_folder(int folder, const walk_bounds& within,
                 const std::function<void(const std::string&, const struct stat&)>& on_entry);

// Removes the folder `name` of `parent` with all that is in it, whatever that is: thousands of
// levels, folders without rights, links. False when something is left at `by`.
[[nodiscard]] bool remove_folder(int parent, const std::string& name, deadline by);

}  // namespace headroom::chat
