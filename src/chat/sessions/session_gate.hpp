// SPDX-License-Identifier: Apache-2.0
// Finds the session a request belongs to, or begins one: query `session_id`, header X-Session-ID,
// cookie, in that order; an empty one is none. Also refuses what another site's page sends.
#pragma once

#include <expected>

#include "chat/http/message.hpp"
#include "chat/sessions/session_signer.hpp"

namespace headroom::chat {

struct entered_session {
    session of;
    bool is_new = false;

    // Hands a new session to the browser.
    void mark(http::response& answer) const;
};

// 401 for a token that is not ours; a forged cookie is taken away with it, as the page cannot.
[[nodiscard]] std::expected<entered_session, http::response> enter_session(
    const session_signer& signer, const http::request& asked);

// 403 when a browser says that another site's page sent this.
[[nodiscard]] std::optional<http::response> refuse_foreign_origin(const http::request& asked);

}  // namespace headroom::chat
