// SPDX-License-Identifier: Apache-2.0
#include "inspect/own_name.hpp"

#include <unistd.h>

#include <array>

#include "base/client_name.hpp"

namespace headroom::inspect {

std::string own_name() {
    std::array<char, 256> host{};  // HOST_NAME_MAX is 64 on Linux
    (void)::gethostname(host.data(), host.size() - 1);
    return format_client_name({.prefix = "headroom", .instance = host.data(), .pid = ::getpid()},
                              pool_kind::tool);
}

}  // namespace headroom::inspect
