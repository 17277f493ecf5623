// SPDX-License-Identifier: Apache-2.0
// Loaded before a program (LD_PRELOAD): no name is ever resolved, as with a name server that is
// away.
#include <netdb.h>
#include <unistd.h>

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
    for (;;)
        ::pause();
}
