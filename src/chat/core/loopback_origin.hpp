// SPDX-License-Identifier: Apache-2.0
// Who may ask the admin port: a browser that was led here by another site's page or name may not.
#pragma once

#include <string_view>

namespace headroom::chat {

// "127.0.0.1", "localhost" or "[::1]", with or without a port. A DNS name that resolves to loopback
// is none: that is how rebinding attacks come in.
[[nodiscard]] bool is_loopback_host(std::string_view host_header);

// "http://" and a loopback host.
[[nodiscard]] bool is_loopback_origin(std::string_view origin_header);

}  // namespace headroom::chat
