// SPDX-License-Identifier: Apache-2.0
// Ends what a killed chatd left running in our data folder. The folder's lock is held, so nobody
// uses it any more.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/log.hpp"
#include "chat/supervisor/data_folder.hpp"

namespace headroom::chat {

// Fails when a process outlives SIGKILL until `by`.
[[nodiscard]] boost::asio::awaitable<result<void>> end_former_run(const data_folder& folder,
                                                                  const log& out, deadline by);

}  // namespace headroom::chat
