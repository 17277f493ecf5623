// SPDX-License-Identifier: Apache-2.0
// The channel level of talking through Redis: scripts, publications and subscriptions over one
// client. A worker gives its shared `async`; an executor gives a function that makes a client when
// it is first needed. Not what the channels are or say: chat_relay_communicator.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "redis/client.hpp"
#include "redis/guarded_publisher.hpp"
#include "redis/script.hpp"
#include "redis/subscriber.hpp"

namespace headroom::chat {

// Event loop only. Errors are those of redis::client, and chat_errc::closed after stop().
class service_communicator {
public:
    using client_maker = std::function<std::unique_ptr<redis::client>()>;

    // Over a client that outlives it. `owner` is how the pool shows its use.
    service_communicator(redis::client& through, std::string owner);
    // Over a client of its own, made at the first publication or subscription: before that there is
    // none. close() it.
    service_communicator(client_maker make, std::string owner);
    // stop() first, where anything was subscribed.
    ~service_communicator();
    service_communicator(const service_communicator&) = delete;
    service_communicator& operator=(const service_communicator&) = delete;

    // The one client; a second call gives the same. It dials with its first command.
    redis::client& ensure_async();
    [[nodiscard]] bool has_async() const { return client_ != nullptr; }

    // `script` outlives the call.
    [[nodiscard]] boost::asio::awaitable<result<redis::value>> run(
        const redis::script& script, std::vector<std::string> keys,
        std::vector<std::string> arguments, deadline by);
    // Gives how many connections heard it. Not kept anywhere: who is away misses it. Guarded: a
    // server that is no primary any more refuses it.
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> publish(std::string channel,
                                                                        std::string payload,
                                                                        deadline by);

    // Who hears what is subscribed. Before the first subscribe(), once.
    void listen(redis::subscriber_callbacks to);
    // As redis::subscriber has them; its connection is a second one of the client's.
    [[nodiscard]] boost::asio::awaitable<result<void>> subscribe(std::string channel, deadline by);
    void unsubscribe(std::string_view channel);
    // Every channel confirmed again; at once where none is wanted.
    [[nodiscard]] boost::asio::awaitable<result<void>> restore(deadline by);

    // Ends the subscriber; publishing goes on.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);
    // After stop(): closes the client that was made here, if there is one.
    [[nodiscard]] boost::asio::awaitable<result<void>> close(deadline by);

private:
    void use(redis::client& through);

    client_maker make_;
    std::string owner_name_;
    std::unique_ptr<redis::client> own_;
    redis::client* client_ = nullptr;
    std::optional<redis::guarded_publisher> publisher_;
    pool::owner_id owner_{};
    redis::subscriber_callbacks callbacks_;
    std::optional<redis::subscriber> subscriber_;
    bool is_stopped_ = false;
};

}  // namespace headroom::chat
