// SPDX-License-Identifier: Apache-2.0
// The communicator of this process, for code that is handed none: an executor has one, a process
// without a spec has none. The one process-wide variable of the SDK, because its users have no
// other way to be given it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "chat/sdk/chat_comm.hpp"

namespace headroom::chat {

// Builds the process' communicator and keeps it for get_comm(). Opens nothing. Once in a process.
[[nodiscard]] std::shared_ptr<chat_comm> make_chat_comm(boost::asio::any_io_executor loop,
                                                        comm_spec spec, emit_bounds bounds = {});

// Nothing before make_chat_comm() and after drop_chat_comm(). From any thread.
[[nodiscard]] std::shared_ptr<chat_comm> get_comm();

// After its close().
void drop_chat_comm();

}  // namespace headroom::chat
