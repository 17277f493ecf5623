// SPDX-License-Identifier: Apache-2.0
// The system calls that executed code may not make, as a program for the kernel's seccomp filter.
#pragma once

#include <string>

#include "base/error.hpp"

namespace headroom::chat {

// Refused calls fail with EPERM, as they would without the right to make them. Everything else is
// allowed: walls are bubblewrap's; this closes what they leave open.
[[nodiscard]] result<std::string> make_syscall_filter();

}  // namespace headroom::chat
