// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_connection.hpp"

#include <fcntl.h>
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
#include <system_error>

#include "base/text.hpp"
#include "redis/core/handshake.hpp"

namespace headroom::redis {

namespace {

constexpr std::string_view too_late = "its deadline has passed";

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

result<int> connect_unix(const std::string& path, deadline by) {
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
result<int> connect_tcp(const endpoint& server, deadline by) {
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

// Until the server has let go of a connection it refused, so that its successor is not counted on
// top of it.
void wait_for_release(int socket, deadline by) {
    const descriptor fd(socket);
    std::array<char, 4096> discarded;
    while (fd.get() >= 0 && wait_for(fd.get(), POLLIN, by) == 0) {
        if (::recv(fd.get(), discarded.data(), discarded.size(), MSG_DONTWAIT) <= 0) return;
    }
}

result<void> enter(blocking_connection& connection, handshake_request request, deadline by) {
    handshake entering(std::move(request));
    while (entering.current() == handshake::state::asking) {
        auto replies = connection.exchange(entering.commands(), by);
        if (!replies) {
            return failure(redis_errc::connect_failed, "handshake: " + replies.error().what());
        }
        entering.on_replies(*replies);
    }
    if (entering.current() == handshake::state::done) return {};
    return failure(entering.current() == handshake::state::rejected ? redis_errc::auth_failed
                                                                    : redis_errc::connect_failed,
                   entering.reason());
}

}  // namespace

blocking_connection::~blocking_connection() {
    if (socket_ >= 0) ::close(socket_);
}

bool blocking_connection::is_alive() noexcept {
    char byte = 0;
    const auto n = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

// Perhaps from another thread. The pool does not close a connection while it is in use, so the
// descriptor is ours.
void blocking_connection::abort() noexcept {
    (void)::shutdown(socket_, SHUT_RDWR);
}

int blocking_connection::close() noexcept {
    // Nobody else uses it any more: the descriptor itself is handed over.
    (void)::shutdown(socket_, SHUT_WR);
    return std::exchange(socket_, -1);
}

result<std::vector<value>> blocking_connection::exchange(std::span<const command> what,
                                                         deadline by) {
    std::string out;
    for (const auto& each : what)
        each.encode_to(out);
    std::vector<value> replies;
    replies.reserve(what.size());
    std::size_t sent = 0;
    const auto fail = [&sent](const error& why) {
        if (why.code == redis_errc::protocol_error) return std::unexpected(why);
        return std::unexpected(
            error{sent == 0 ? redis_errc::not_sent : redis_errc::unknown, why.detail});
    };
    while (replies.size() < what.size()) {
        if (sent < out.size()) {
            const auto n =
                ::send(socket_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0) sent += static_cast<std::size_t>(n);
            // Any other error: what the server said before it hung up may still be there to read.
        }
        // Replies are read while requests are still being written, or both sides could wait.
        const bool is_writing = sent < out.size();
        const auto ready = wait(is_writing ? POLLIN | POLLOUT : POLLIN, by);
        if (!ready) return fail(ready.error());
        const auto read = read_available(replies, what.size());
        if (!read) return fail(read.error());
        // A server that never stops sending is always ready to be read.
        if (replies.size() < what.size() && clock::now() >= by)
            return fail({redis_errc::unknown, std::string(too_late)});
    }
    return replies;
}

result<void> blocking_connection::stream(const command& what,
                                         std::function<void(std::string_view)> sink, deadline by) {
    parser_.divert_strings(std::move(sink));
    auto replies = exchange({&what, 1}, by);
    if (!replies) return std::unexpected(replies.error());
    parser_.divert_strings({});
    const auto& reply = replies->front();
    if (reply.is_error()) return failure(classify_server_error(reply.text), reply.text);
    if (!reply.is_string()) {
        return failure(redis_errc::unexpected_reply,
                       std::string(what.name()) + " was not answered by a string");
    }
    return {};
}

result<void> blocking_connection::wait(short events, deadline by) const {
    const int error_number = wait_for(socket_, events, by);
    if (error_number == 0) return {};
    return failure(redis_errc::unknown,
                   error_number == ETIMEDOUT ? std::string(too_late) : errno_text(error_number));
}

result<void> blocking_connection::read_available(std::vector<value>& replies, std::size_t wanted) {
    std::array<char, 16 * 1024> buffer;
    const auto n = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n == 0) return failure(redis_errc::unknown, "the server closed the connection");
    if (n < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
        return failure(redis_errc::unknown, errno_text(errno));
    }
    std::string_view input(buffer.data(), static_cast<std::size_t>(n));
    for (;;) {
        auto parsed = parser_.next(input);
        if (!parsed) return failure(redis_errc::protocol_error, parsed.error().reason);
        if (!parsed->has_value()) return {};
        if ((*parsed)->kind == value_kind::push) continue;
        if (replies.size() == wanted) {
            return failure(redis_errc::protocol_error, "a reply to no command");
        }
        replies.push_back(std::move(**parsed));
    }
}

result<std::unique_ptr<pool::blocking_connection>> blocking_connector::open(deadline by) {
    const auto socket =
        server_.unix_path.empty() ? connect_tcp(server_, by) : connect_unix(server_.unix_path, by);
    if (!socket) return std::unexpected(socket.error());
    auto opened = std::make_unique<blocking_connection>(*socket);
    const auto entered =
        enter(*opened, {server_.username, server_.password, name_, server_.database}, by);
    was_rejected_ = !entered && entered.error().code == redis_errc::auth_failed;
    if (entered) return opened;
    wait_for_release(opened->close(), std::min(by, clock::now() + std::chrono::seconds(1)));
    return failure(entered.error().code, to_string(server_) + ": " + entered.error().detail);
}

pool::open_failure blocking_connector::classify(const error& why) const noexcept {
    return why.code == redis_errc::auth_failed ? pool::open_failure::permanent
                                               : pool::open_failure::transient;
}

}  // namespace headroom::redis
