// SPDX-License-Identifier: Apache-2.0
// How TLS is wanted with a server. Not the means: tls_context.hpp.
#pragma once

#include <string>

namespace headroom::net {

// Verification is on; what can be left out is what the system supplies.
struct tls_options {
    bool verifies_peer = true;          // chain and name; off only for a test server
    std::string ca_file = {};           // PEM; empty: the system's certificate authorities
    std::string certificate_file = {};  // PEM, our own, for servers that ask for one; with key_file
    std::string key_file = {};          // PEM, not encrypted
    std::string server_name = {};       // asked for (SNI) and checked; empty: the host
    bool operator==(const tls_options&) const = default;
};

}  // namespace headroom::net
