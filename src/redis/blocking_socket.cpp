// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "redis/redis_error.hpp"

namespace headroom::redis {

namespace {

std::string errno_text(int number) {
    return std::generic_category().message(number);
}

// Owns a descriptor until it is released.
class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

// Zero when `events` hold, else the error number.
int wait_for(int socket, short events, deadline by) {
    pollfd watched{.fd = socket, .events = events, .revents = 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - clock::now()).count();
        // In slices, so that a far deadline fits poll()'s int.
        const auto slice = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
        const int ready = ::poll(&watched, 1, slice);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return errno;
        if (clock::now() >= by) return ETIMEDOUT;
    }
}

result<int> connect_to(const sockaddr* address, socklen_t size, const std::string& where,
                       deadline by) {
    descriptor fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int error_number = fd.get() < 0 ? errno : 0;
    if (error_number == 0 && ::connect(fd.get(), address, size) != 0) error_number = errno;
    if (error_number == EINPROGRESS) {
        error_number = wait_for(fd.get(), POLLOUT, by);
        socklen_t length = sizeof error_number;
        if (error_number == 0) {
            (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error_number, &length);
        }
    }
    if (error_number != 0) {
        return failure(redis_errc::connect_failed, where + ": " + errno_text(error_number));
    }
    return fd.release();
}

result<int> dial_unix(const std::string& path, deadline by) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        return failure(redis_errc::connect_failed,
                       path + ": a unix socket path has at most 107 bytes");
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, path, by);
}

void tune_tcp(int socket) {
    const int on = 1;
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

// The system's resolver has its own time limits and knows no deadline.
result<int> dial_tcp(const endpoint& server, deadline by) {
    const auto where = to_string(server);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const auto port = std::to_string(server.port);
    const int code = ::getaddrinfo(server.host.c_str(), port.c_str(), &wanted, &found);
    if (code != 0) {
        return failure(redis_errc::connect_failed, where + ": " + ::gai_strerror(code));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, &::freeaddrinfo);
    result<int> last = failure(redis_errc::connect_failed, where + ": no address");
    for (const auto* at = found; at != nullptr; at = at->ai_next) {
        last = connect_to(at->ai_addr, at->ai_addrlen, where, by);
        if (!last) continue;
        tune_tcp(*last);
        return last;
    }
    return last;
}

}  // namespace

result<blocking_socket> blocking_socket::connect(const endpoint& server, deadline by) {
    const auto opened =
        server.unix_path.empty() ? dial_tcp(server, by) : dial_unix(server.unix_path, by);
    if (!opened) return std::unexpected(opened.error());
    return blocking_socket(*opened);
}

blocking_socket& blocking_socket::operator=(blocking_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

blocking_socket::~blocking_socket() {
    if (fd_ >= 0) ::close(fd_);
}

std::size_t blocking_socket::send_some(std::string_view bytes) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

result<std::size_t> blocking_socket::receive_some(std::span<char> into) {
    const auto n = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) return static_cast<std::size_t>(n);
    if (n == 0) return failure(redis_errc::unknown, "the server closed the connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::size_t{0};
    return failure(redis_errc::unknown, errno_text(errno));
}

result<void> blocking_socket::wait(readiness wanted, deadline by) const {
    const short events = wanted == readiness::to_read ? POLLIN : POLLIN | POLLOUT;
    const int error_number = wait_for(fd_, events, by);
    if (error_number == 0) return {};
    return failure(redis_errc::unknown, error_number == ETIMEDOUT ? "its deadline has passed"
                                                                  : errno_text(error_number));
}

bool blocking_socket::is_quiet() noexcept {
    char byte = 0;
    const auto n = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void blocking_socket::abort() noexcept {
    (void)::shutdown(fd_, SHUT_RDWR);
}

int blocking_socket::release_half_closed() noexcept {
    (void)::shutdown(fd_, SHUT_WR);
    return std::exchange(fd_, -1);
}

void wait_for_release(int descriptor_to_close, deadline by) {
    const descriptor fd(descriptor_to_close);
    std::array<char, 4096> discarded;
    while (fd.get() >= 0 && wait_for(fd.get(), POLLIN, by) == 0) {
        if (::recv(fd.get(), discarded.data(), discarded.size(), MSG_DONTWAIT) <= 0) return;
    }
}

}  // namespace headroom::redis
