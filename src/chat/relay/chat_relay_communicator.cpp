// SPDX-License-Identifier: Apache-2.0
#include "chat/relay/chat_relay_communicator.hpp"

#include <utility>

namespace headroom::chat {

namespace asio = boost::asio;

chat_relay_communicator::chat_relay_communicator(asio::any_io_executor executor,
                                                 service_communicator& channels, key_space keys,
                                                 relay_bounds bounds)
    : sending_(channels, keys, bounds), receiving_(executor, channels, keys) {}

asio::awaitable<result<std::uint64_t>> chat_relay_communicator::publish(
    std::string session_id, std::vector<outgoing_event> batch, deadline by) {
    return sending_.publish(std::move(session_id), std::move(batch), by);
}

asio::awaitable<result<chat_relay_communicator::subscription>> chat_relay_communicator::open(
    std::string session_id, std::optional<std::uint64_t> last_event_id, stream_sink& sink,
    deadline by) {
    return receiving_.open(std::move(session_id), last_event_id, sink, by);
}

asio::awaitable<result<void>> chat_relay_communicator::listen_for_work(
    std::function<void(work_notice)> on_work, deadline by) {
    return receiving_.listen_for_work(std::move(on_work), by);
}

asio::awaitable<result<void>> chat_relay_communicator::restore(deadline by) {
    return receiving_.restore(by);
}

asio::awaitable<void> chat_relay_communicator::stop(deadline by) {
    return receiving_.stop(by);
}

}  // namespace headroom::chat
