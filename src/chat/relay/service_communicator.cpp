// SPDX-License-Identifier: Apache-2.0
#include "chat/relay/service_communicator.hpp"

#include <utility>

#include "base/assert.hpp"
#include "chat/core/chat_error.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

service_communicator::service_communicator(redis::client& through, std::string owner)
    : owner_name_(std::move(owner)) {
    use(through);
}

service_communicator::service_communicator(client_maker make, std::string owner)
    : make_(std::move(make)), owner_name_(std::move(owner)) {}

service_communicator::~service_communicator() = default;

void service_communicator::use(redis::client& through) {
    client_ = &through;
    owner_ = through.owner(owner_name_);
    publisher_.emplace(through);
}

redis::client& service_communicator::ensure_async() {
    if (client_ == nullptr) {
        own_ = make_();
        HEADROOM_ASSERT(own_ != nullptr, "a communicator's maker makes a client");
        use(*own_);
    }
    return *client_;
}

asio::awaitable<result<redis::value>> service_communicator::run(const redis::script& script,
                                                                std::vector<std::string> keys,
                                                                std::vector<std::string> arguments,
                                                                deadline by) {
    auto& through = ensure_async();
    co_return co_await script.run(through, std::move(keys), std::move(arguments),
                                  redis::call{owner_, by});
}

asio::awaitable<result<std::uint64_t>> service_communicator::publish(std::string channel,
                                                                     std::string payload,
                                                                     deadline by) {
    (void)ensure_async();
    co_return co_await publisher_->publish(std::move(channel), std::move(payload),
                                           redis::call{owner_, by});
}

void service_communicator::listen(redis::subscriber_callbacks to) {
    HEADROOM_ASSERT(!subscriber_, "who listens is told before the first subscription");
    callbacks_ = std::move(to);
}

asio::awaitable<result<void>> service_communicator::subscribe(std::string channel, deadline by) {
    if (is_stopped_) co_return failure(chat_errc::closed, "the communicator is stopped");
    if (!subscriber_) subscriber_.emplace(ensure_async(), owner_name_, callbacks_);
    co_return co_await subscriber_->subscribe(std::move(channel), by);
}

void service_communicator::unsubscribe(std::string_view channel) {
    if (subscriber_) subscriber_->unsubscribe(channel);
}

asio::awaitable<result<void>> service_communicator::restore(deadline by) {
    if (!subscriber_) co_return result<void>{};
    co_return co_await subscriber_->restore(by);
}

asio::awaitable<void> service_communicator::stop(deadline by) {
    is_stopped_ = true;
    if (subscriber_) co_await subscriber_->stop(by);
}

asio::awaitable<result<void>> service_communicator::close(deadline by) {
    is_stopped_ = true;
    if (!own_) co_return result<void>{};
    co_return co_await own_->close(by);
}

}  // namespace headroom::chat
