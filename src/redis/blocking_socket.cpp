// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_socket.hpp"

#include <netdb.h>
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

#include "net/tls_handshake.hpp"
#include "net/tls_transfer.hpp"
#include "redis/dial_kit.hpp"
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

// Zero when `events` hold, which are `found` then, or `also` can be read; else the error number.
int wait_for(int socket, short events, deadline by, int also = -1, short* found = nullptr) {
    pollfd watched[] = {{.fd = socket, .events = events, .revents = 0},
                        {.fd = also, .events = POLLIN, .revents = 0}};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - clock::now()).count();
        // In slices, so that a far deadline fits poll()'s int.
        const auto slice = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
        const int ready = ::poll(watched, also < 0 ? 1 : 2, slice);
        if (ready > 0) {
            if (found != nullptr) *found = watched[0].revents;
            return 0;
        }
        if (ready < 0 && errno != EINTR) return errno;
        if (clock::now() >= by) return ETIMEDOUT;
    }
}

// Connected, or the error number.
std::expected<int, int> connect_to(const sockaddr* address, socklen_t size, deadline by,
                                   const net::tcp_options* tuning = nullptr) {
    descriptor fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int error_number = fd.get() < 0 ? errno : 0;
    if (error_number == 0 && tuning != nullptr) net::tune_tcp(fd.get(), *tuning);
    if (error_number == 0 && ::connect(fd.get(), address, size) != 0) error_number = errno;
    if (error_number == EINPROGRESS) {
        error_number = wait_for(fd.get(), POLLOUT, by);
        socklen_t length = sizeof error_number;
        if (error_number == 0) {
            (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error_number, &length);
        }
    }
    if (error_number != 0) return std::unexpected(error_number);
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
    const auto fd = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, by);
    if (fd) return *fd;
    return failure(redis_errc::connect_failed, path + ": " + errno_text(fd.error()));
}

std::string text_of(const addrinfo& address) {
    std::array<char, NI_MAXHOST> text{};
    const int failed = ::getnameinfo(address.ai_addr, address.ai_addrlen, text.data(), text.size(),
                                     nullptr, 0, NI_NUMERICHOST);
    return failed == 0 ? text.data() : "?";
}

// The system's resolver has its own time limits and knows no deadline.
result<int> dial_tcp(const endpoint& server, deadline by, const net::tcp_options& tuning) {
    constexpr std::size_t tried_bytes_max = 400;
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
    std::size_t left = 0;
    for (const auto* at = found; at != nullptr; at = at->ai_next)
        ++left;
    const bool are_several = left > 1;
    std::string tried;
    for (const auto* at = found; at != nullptr; at = at->ai_next) {
        const auto until = net::share_of(by, clock::now(), left--);
        const auto fd = connect_to(at->ai_addr, at->ai_addrlen, until, &tuning);
        if (fd) return *fd;
        if (tried.size() < tried_bytes_max) {
            if (!tried.empty()) tried += "; ";
            tried += (are_several ? text_of(*at) + ": " : "") + errno_text(fd.error());
        }
        if (clock::now() >= by) break;
    }
    return failure(redis_errc::connect_failed, where + ": " + tried);
}

}  // namespace

result<blocking_socket> blocking_socket::connect(const endpoint& server, deadline by,
                                                 const net::tcp_options& tuning) {
    const auto opened =
        server.unix_path.empty() ? dial_tcp(server, by, tuning) : dial_unix(server.unix_path, by);
    if (!opened) return std::unexpected(opened.error());
    return blocking_socket(*opened);
}

result<void> blocking_socket::secure(std::unique_ptr<net::tls_session> session, deadline by) {
    if (!session) return {};
    for (;;) {
        const auto stands = session->advance();
        const bool is_sent = net::send_pending(*session, fd_);
        const int send_error = is_sent ? 0 : errno;
        if (!stands) return std::unexpected(to_dial_error(stands.error()));
        if (!is_sent && send_error != EAGAIN) {
            return failure(redis_errc::connect_failed,
                           "in the TLS handshake: " + errno_text(send_error));
        }
        if (*stands && is_sent) break;
        const auto events = static_cast<short>(is_sent ? POLLIN : POLLIN | POLLOUT);
        const int wait_error = wait_for(fd_, events, by);
        if (wait_error == ETIMEDOUT) return failure(redis_errc::connect_failed, net::silent_to_tls);
        if (wait_error != 0) return failure(redis_errc::connect_failed, errno_text(wait_error));
        const auto n = net::receive_ciphertext(*session, fd_);
        if (n == 0) return std::unexpected(to_dial_error(session->end_of_stream()));
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return failure(redis_errc::connect_failed,
                           "in the TLS handshake: " + errno_text(errno));
        }
    }
    tls_ = std::move(session);
    return {};
}

blocking_socket& blocking_socket::operator=(blocking_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(tls_, other.tls_);
    std::swap(tls_fault_, other.tls_fault_);
    return *this;
}

blocking_socket::~blocking_socket() {
    if (fd_ >= 0) ::close(fd_);
}

std::size_t blocking_socket::send_some(std::string_view bytes) {
    const auto n = tls_ ? net::send_encrypted(*tls_, fd_, bytes)
                        : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

result<std::size_t> blocking_socket::receive_some(std::span<char> into) {
    if (tls_) return receive_decrypted(into);
    const auto n = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) return static_cast<std::size_t>(n);
    if (n == 0) return failure(redis_errc::unknown, "the server closed the connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::size_t{0};
    return failure(redis_errc::unknown, errno_text(errno));
}

result<std::size_t> blocking_socket::receive_decrypted(std::span<char> into) {
    for (;;) {
        const auto got = tls_->read(into);
        if (!got) {
            tls_fault_ = got.error().detail;
            return failure(redis_errc::unknown, tls_fault_);
        }
        if (*got > 0) return got;
        if (tls_->has_ended()) return failure(redis_errc::unknown, tls_->end_of_stream().detail);
        const auto n = net::receive_ciphertext(*tls_, fd_);
        if (n == 0) return failure(redis_errc::unknown, tls_->end_of_stream().detail);
        if (n > 0 || errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
        return failure(redis_errc::unknown, errno_text(errno));
    }
}

result<void> blocking_socket::wait(readiness wanted, deadline by, int also) {
    const bool may_write = wanted == readiness::to_read_or_write;
    for (;;) {
        if (tls_ && tls_->has_unread()) return {};
        const bool is_sent = !tls_ || net::send_pending(*tls_, fd_);
        // Bytes that cannot be sent for another reason than a full socket: the reader sees why.
        const bool must_write = !is_sent && errno == EAGAIN;
        const auto events = static_cast<short>(may_write || must_write ? POLLIN | POLLOUT : POLLIN);
        short ready = 0;
        const int error_number = wait_for(fd_, events, by, also, &ready);
        if (error_number != 0) {
            return failure(redis_errc::unknown, error_number == ETIMEDOUT
                                                    ? "its deadline has passed"
                                                    : errno_text(error_number));
        }
        if (may_write || ready != POLLOUT) return {};
    }
}

bool blocking_socket::is_quiet() noexcept {
    if (tls_) return net::is_quiet(*tls_, fd_);
    char byte = 0;
    const auto n = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void blocking_socket::abort() noexcept {
    (void)::shutdown(fd_, SHUT_RDWR);
}

int blocking_socket::release_half_closed() noexcept {
    if (tls_ && fd_ >= 0) net::send_close(*tls_, fd_);
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
