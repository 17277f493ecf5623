// SPDX-License-Identifier: Apache-2.0
// Which statements leave something behind in the session that the next user would meet. Errs on the
// side of "yes": then the connection is closed, which is always right.
#pragma once

#include <string_view>

namespace headroom::postgres {

// From the command tag the server answered with: SET, LISTEN, PREPARE, DECLARE CURSOR, LOAD, RESET.
[[nodiscard]] bool tag_leaves_state(std::string_view command_tag) noexcept;

// From the text of the statement, for what the tag does not tell: temporary tables, advisory locks
// of the session, set_config(). State made inside functions stays unseen.
[[nodiscard]] bool text_leaves_state(std::string_view sql) noexcept;

}  // namespace headroom::postgres
