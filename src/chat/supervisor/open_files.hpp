// SPDX-License-Identifier: Apache-2.0
// The operating system's bound of open files, against what a worker can need.
#pragma once

#include "base/error.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

// Raises the soft limit to the hard one; workers inherit it. Fails when a worker could need more.
[[nodiscard]] result<void> raise_open_files(const config::settings& settings);

}  // namespace headroom::chat
