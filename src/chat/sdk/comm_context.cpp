// SPDX-License-Identifier: Apache-2.0
#include "chat/sdk/comm_context.hpp"

#include <mutex>
#include <utility>

#include "base/assert.hpp"

namespace headroom::chat {

namespace {

struct context {
    std::mutex mutex;
    std::shared_ptr<chat_comm> comm;  // second owners: who got it
};

context& of_process() {
    static context only;
    return only;
}

}  // namespace

std::shared_ptr<chat_comm> make_chat_comm(boost::asio::any_io_executor loop, comm_spec spec,
                                          emit_bounds bounds) {
    auto made = std::make_shared<chat_comm>(std::move(loop), std::move(spec), bounds);
    auto& process = of_process();
    const std::lock_guard hold(process.mutex);
    HEADROOM_ASSERT(process.comm == nullptr, "a process has one communicator");
    process.comm = made;
    return made;
}

std::shared_ptr<chat_comm> get_comm() {
    auto& process = of_process();
    const std::lock_guard hold(process.mutex);
    return process.comm;
}

void drop_chat_comm() {
    auto& process = of_process();
    const std::lock_guard hold(process.mutex);
    process.comm = nullptr;
}

}  // namespace headroom::chat
