// SPDX-License-Identifier: Apache-2.0
#include "support/fault_gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>

namespace headroom::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t held_max = 64 * 1024;
constexpr int backlog = 511;

std::size_t index_of(toward whom) {
    return static_cast<std::size_t>(whom);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

int bound_socket(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto at = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        throw std::runtime_error(std::string("fault_gate: bind: ") + std::strerror(errno));
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
}

void make_prompt(int fd) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// -1 when nobody is there.
int dial(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 1, .tv_usec = 0};  // of connect(), too
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const auto to = loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
        make_prompt(fd);
        return fd;
    }
    ::close(fd);
    return -1;
}

void close_with_reset(int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd);
}

bool is_later(int error_number) {
    return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR;
}

}  // namespace

// One direction of one connection.
struct fault_gate::stream {
    struct arrival {
        clock::time_point ready_at;
        std::size_t bytes;
    };
    toward whom;
    int from;
    int to;
    std::string held{};
    std::deque<arrival> arrivals{};  // of the bytes in `held`
    clock::time_point next_at{};     // of a slow stream's next byte
    std::optional<std::size_t> bytes_left{};
    bool is_blocked = false;      // the receiver takes no more now
    bool has_ended = false;       // the sender has
    bool was_reset = false;       // by the sender
    bool is_finished = false;     // the end has been passed on
    bool has_lost_bytes = false;  // in a black hole
};

struct fault_gate::connection {
    connection(int client, int server)
        : streams{stream{.whom = toward::server, .from = client, .to = server},
                  stream{.whom = toward::client, .from = server, .to = client}} {}
    ~connection() {
        if (client_fd() >= 0) ::close(client_fd());
        if (server_fd() >= 0) ::close(server_fd());
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    [[nodiscard]] int client_fd() const { return streams[0].from; }
    [[nodiscard]] int server_fd() const { return streams[0].to; }
    // The server's end goes first: it must know when the client can.
    void reset() {
        close_with_reset(server_fd());
        close_with_reset(client_fd());
        for (auto& each : streams)
            each.from = each.to = -1;
    }
    [[nodiscard]] bool is_over() const {
        return client_fd() < 0 || (streams[0].is_finished && streams[1].is_finished);
    }

    std::array<stream, 2> streams;  // by toward
};

fault_gate::fault_gate(std::uint16_t server_port) : server_port_(server_port) {
    // A port that was bound by its number stays ours also while we do not listen.
    const int any = bound_socket(0);
    port_ = port_of(any);
    listener_ = bound_socket(port_);
    ::close(any);
    bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell_ < 0 || ::listen(listener_, backlog) != 0)
        throw std::runtime_error(std::string("fault_gate: listen: ") + std::strerror(errno));
    thread_ = std::thread([this] { run(); });
}

fault_gate::~fault_gate() {
    in_thread([this] { is_ending_ = true; });
    thread_.join();
    ::close(listener_);
    ::close(bell_);
}

// --- Verbs ---

void fault_gate::in_thread(std::function<void()> act) {
    std::unique_lock lock(mutex_);
    asked_.push_back(std::move(act));
    const auto mine = ++asked_count_;
    const std::uint64_t ring = 1;
    (void)!::write(bell_, &ring, sizeof ring);
    done_.wait(lock, [&] { return done_count_ >= mine; });
}

void fault_gate::set(toward whom, gate_flow flow) {
    in_thread([this, whom, flow] {
        flows_[index_of(whom)] = flow;
        for (auto& each : connections_) {
            auto& s = each->streams[index_of(whom)];
            s.bytes_left = flow.bytes_left;
            s.is_blocked = false;
            const bool passes = flow.how == gate_flow::way::passes;
            if (passes && s.has_lost_bytes) each->reset();
        }
    });
}

void fault_gate::cut() {
    in_thread([this] {
        for (auto& each : connections_)
            each->reset();
    });
}

void fault_gate::close() {
    in_thread([this] { connections_.clear(); });
}

void fault_gate::half_close(toward whom) {
    in_thread([this, whom] {
        for (auto& each : connections_) {
            auto& s = each->streams[index_of(whom)];
            (void)::shutdown(s.to, SHUT_WR);
            s.has_ended = s.is_finished = true;
        }
    });
}

void fault_gate::stop_accepting() {
    in_thread([this] { door_ = door::unattended; });
}

void fault_gate::refuse() {
    in_thread([this] {
        door_ = door::locked;
        // Ends the listening and all in its queue; the port stays bound (Linux).
        (void)::shutdown(listener_, SHUT_RDWR);
    });
}

void fault_gate::accept() {
    in_thread([this] {
        if (door_ == door::locked) (void)::listen(listener_, backlog);
        door_ = door::open;
    });
}

void fault_gate::heal() {
    pass(toward::server);
    pass(toward::client);
    accept();
}

// --- The thread ---

void fault_gate::run() {
    std::unique_lock lock(mutex_);
    std::vector<pollfd> polled;
    while (!is_ending_) {
        const auto patience = fill_polled(polled);
        lock.unlock();
        (void)::poll(polled.data(), polled.size(), static_cast<int>(patience.count()));
        lock.lock();

        auto at = polled.begin() + 2;
        for (auto& each : connections_) {
            serve(*each, at[0], at[1]);
            at += 2;
        }
        // In this order: a connection that is over is not counted beside its successor.
        forget_those_over();
        std::uint64_t rings = 0;
        (void)!::read(bell_, &rings, sizeof rings);
        for (const auto& act : std::exchange(asked_, {}))
            act();
        forget_those_over();
        if (done_count_ != asked_count_) {
            done_count_ = asked_count_;
            done_.notify_all();
        }
        accept_all();
    }
    connections_.clear();
}

void fault_gate::forget_those_over() {
    std::erase_if(connections_, [](const auto& each) { return each->is_over(); });
    open_ = connections_.size();
}

bool fault_gate::may_read(const stream& s) const {
    const auto how = flows_[index_of(s.whom)].how;
    return !s.has_ended && how != gate_flow::way::is_paused && s.held.size() < held_max;
}

// How many bytes may be sent now: those that have arrived long enough ago, as fast as is allowed.
std::size_t fault_gate::sendable(const stream& s, clock::time_point now) const {
    const auto& flow = flows_[index_of(s.whom)];
    if (flow.how != gate_flow::way::passes || s.held.empty()) return 0;
    std::size_t bytes = 0;
    for (const auto& each : s.arrivals) {
        if (each.ready_at > now) break;
        bytes += each.bytes;
    }
    if (flow.bytes_per_second > 0) {
        // In slices of ten milliseconds.
        const auto slice = std::max<std::size_t>(flow.bytes_per_second / 100, 1);
        bytes = s.next_at > now ? 0 : std::min(bytes, slice);
    }
    if (flow.piece > 0) bytes = std::min(bytes, flow.piece);
    if (s.bytes_left) bytes = std::min(bytes, *s.bytes_left);
    return bytes;
}

// The bell, the listener, then two for each connection. Returns how long to wait.
std::chrono::milliseconds fault_gate::fill_polled(std::vector<pollfd>& polled) {
    polled.clear();
    polled.push_back({bell_, POLLIN, 0});
    polled.push_back({door_ == door::open ? listener_ : -1, POLLIN, 0});
    const auto now = clock::now();
    auto wake = clock::time_point::max();
    for (const auto& each : connections_) {
        const auto& [up, down] = each->streams;
        pollfd client{up.from, 0, 0};
        pollfd server{down.from, 0, 0};
        const auto want = [&](const stream& s, pollfd& from, pollfd& to) {
            if (may_read(s)) from.events |= POLLIN;
            if (sendable(s, now) > 0) {
                if (s.is_blocked) to.events |= POLLOUT;
                if (!s.is_blocked) wake = now;
            } else if (!s.held.empty() && flows_[index_of(s.whom)].how == gate_flow::way::passes) {
                wake = std::min(wake, std::max(s.arrivals.front().ready_at, s.next_at));
            }
        };
        want(up, client, server);
        want(down, server, client);
        // Without events asked for, a dead end would be told again and again.
        if (client.events == 0) client.fd = -1;
        if (server.events == 0) server.fd = -1;
        polled.push_back(client);
        polled.push_back(server);
    }
    if (wake == clock::time_point::max()) return -1ms;
    return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(wake - now), 0ms, 1000ms);
}

void fault_gate::accept_all() {
    while (door_ == door::open) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        ++accepted_;
        const int server = dial(server_port_);
        if (server < 0) {
            close_with_reset(client);
            continue;
        }
        make_prompt(client);
        auto& made = connections_.emplace_back(std::make_unique<connection>(client, server));
        for (auto& each : made->streams)
            each.bytes_left = flows_[index_of(each.whom)].bytes_left;
        open_ = connections_.size();
        most_ = std::max(most_, open_);
    }
}

void fault_gate::serve(connection& of, const pollfd& client, const pollfd& server) {
    for (auto& s : of.streams) {
        const auto& from = s.whom == toward::server ? client : server;
        const auto& to = s.whom == toward::server ? server : client;
        if (of.is_over()) return;
        if ((from.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && may_read(s)) read_some(of, s);
        if ((to.revents & POLLOUT) != 0) s.is_blocked = false;
        if (!of.is_over() && !s.is_blocked) write_some(of, s);
    }
}

void fault_gate::read_some(connection& of, stream& s) {
    const auto& flow = flows_[index_of(s.whom)];
    std::array<char, 64 * 1024> buffer;
    const auto n = ::recv(s.from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && is_later(errno)) return;
    if (n <= 0) {
        s.has_ended = true;
        s.was_reset = n < 0;
        return;
    }
    if (flow.closes_on_data) {
        for (auto& each : of.streams)
            each.is_finished = true;
    } else if (flow.how == gate_flow::way::is_black_hole) {
        s.has_lost_bytes = true;
    } else {
        s.held.append(buffer.data(), static_cast<std::size_t>(n));
        s.arrivals.push_back({clock::now() + flow.delay, static_cast<std::size_t>(n)});
    }
}

void fault_gate::write_some(connection& of, stream& s) {
    const auto now = clock::now();
    const auto& flow = flows_[index_of(s.whom)];
    const auto bytes = sendable(s, now);
    if (bytes > 0) {
        const auto n = ::send(s.to, s.held.data(), bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && !is_later(errno)) return of.reset();
        s.is_blocked = n < 0 || static_cast<std::size_t>(n) < bytes;
        auto taken = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
        bytes_[index_of(s.whom)] += taken;
        s.held.erase(0, taken);
        if (s.bytes_left) *s.bytes_left -= taken;
        if (flow.bytes_per_second > 0) s.next_at = now + 10ms;
        while (taken > 0) {
            const auto part = std::min(taken, s.arrivals.front().bytes);
            s.arrivals.front().bytes -= part;
            taken -= part;
            if (s.arrivals.front().bytes == 0) s.arrivals.pop_front();
        }
    }
    if (s.bytes_left && *s.bytes_left == 0) return of.reset();
    if (flow.how != gate_flow::way::passes || !s.has_ended || !s.held.empty()) return;
    if (s.was_reset) return of.reset();
    if (!std::exchange(s.is_finished, true)) (void)::shutdown(s.to, SHUT_WR);
}

}  // namespace headroom::test
