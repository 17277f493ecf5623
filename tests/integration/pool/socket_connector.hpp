// SPDX-License-Identifier: Apache-2.0
// Connections for driver tests: one end of a socketpair is the pool's, the other is the "server's",
// which the test holds. The server counts what it has, so that caps are counted there and not by
// the pool.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>

#include "pool/blocking_pool.hpp"
#include "pool/connection.hpp"

namespace headroom::test {

enum class socket_errc { refused = 1, denied = 2 };

// Counts its ends; lets go of one when the client has closed and `lets_go` holds.
class socket_server {
public:
    ~socket_server() {
        for (const int each : ends_)
            ::close(each);
    }

    // The client's end.
    int connect() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
        const std::lock_guard lock(mutex_);
        ends_.insert(ends[1]);
        most_ = std::max(most_, ends_.size());
        ++accepted_;
        return ends[0];
    }
    // Closes the server's ends whose client has closed. Returns how many are left.
    std::size_t reap() {
        const std::lock_guard lock(mutex_);
        std::erase_if(ends_, [](int end) {
            char byte;
            const bool ended = ::recv(end, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
            if (ended) ::close(end);
            return ended;
        });
        return ends_.size();
    }
    void close_all() {
        const std::lock_guard lock(mutex_);
        for (const int each : ends_)
            ::close(each);
        ends_.clear();
    }
    [[nodiscard]] std::size_t most() const {
        const std::lock_guard lock(mutex_);
        return most_;
    }
    [[nodiscard]] std::size_t accepted() const {
        const std::lock_guard lock(mutex_);
        return accepted_;
    }

private:
    mutable std::mutex mutex_;
    std::set<int> ends_;
    std::size_t most_ = 0;
    std::size_t accepted_ = 0;
};

// The client's side, the same for both drivers.
template <class Base>
class socket_connection final : public Base {
public:
    explicit socket_connection(int descriptor) : descriptor_(descriptor) {}
    ~socket_connection() override {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    [[nodiscard]] bool is_alive() noexcept override {
        char byte;
        return ::recv(descriptor_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
    }
    void abort() noexcept override { ::shutdown(descriptor_, SHUT_RDWR); }
    [[nodiscard]] int close() noexcept override {
        ::shutdown(descriptor_, SHUT_WR);
        const int kept = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
        ::close(std::exchange(descriptor_, -1));
        return kept;
    }

private:
    int descriptor_;
};

}  // namespace headroom::test
