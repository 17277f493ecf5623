// SPDX-License-Identifier: Apache-2.0
#include "redis/wire.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <utility>

#include "base/text.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {
constexpr std::size_t read_bytes = 64 * 1024;
// What is encoded at once; the rest can still be withdrawn, or go to another connection.
constexpr std::size_t write_bytes = 256 * 1024;
}  // namespace

wire::wire(net::stream_socket socket, std::shared_ptr<wire_group> group)
    : socket_(std::move(socket)), group_(std::move(group)), in_(read_bytes) {}

// Reached with callers left only when the event loop is torn down: nobody can be resumed any more.
wire::~wire() {
    while (auto* x = pairing_.take_remaining()) {
        group_->unwatch(*x);
        x->caller.drop();
    }
    while (auto* x = queued_.pop_front()) {
        group_->unwatch(*x);
        x->caller.drop();
    }
}

void wire::start() {
    read();
}

// --- Writing ---

void wire::accept(exchange& x) {
    if (loss_) {
        fail(x, redis_errc::not_sent, loss_->what());
        return;
    }
    x.holder = this;
    queued_.push_back(x);
    commands_queued_ += x.commands.size();
    bytes_queued_ += x.bytes;
    group_->watch(x);
    if (!std::exchange(is_flush_planned_, true)) group_->flush_at_end_of_turn(shared_from_this());
}

void wire::send_unpaired(std::string_view bytes) {
    if (loss_) return;
    unpaired_.append(bytes);
    if (!std::exchange(is_flush_planned_, true)) group_->flush_at_end_of_turn(shared_from_this());
}

void wire::encode_queued() {
    if (out_.capacity() > 4 * write_bytes) out_.shrink_to_fit();
    out_.append(unpaired_);
    encoded_ += unpaired_.size();
    unpaired_.clear();
    if (pairing_.due() == 0) silent_since_ = clock::now();
    while (!queued_.empty() && out_.size() < write_bytes) {
        auto& x = *queued_.pop_front();
        commands_queued_ -= x.commands.size();
        bytes_queued_ -= x.bytes;
        x.is_encoded = true;
        x.begins_at = encoded_;
        x.ticket = pairing_.expect(x, x.commands.size());
        for (const auto& each : x.commands)
            each.encode_to(out_);
        encoded_ += x.bytes;
    }
}

void wire::flush() {
    is_flush_planned_ = false;
    while (!loss_ && !is_write_blocked_) {
        if (out_at_ == out_.size()) {
            out_.clear();
            out_at_ = 0;
            encode_queued();
            if (out_.empty()) return;
        }
        const auto sent = ::send(socket_.native_handle(), out_.data() + out_at_,
                                 out_.size() - out_at_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            out_at_ += static_cast<std::size_t>(sent);
            taken_ += static_cast<std::uint64_t>(sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            is_write_blocked_ = true;
            socket_.async_wait(net::stream_socket::wait_write,
                               [self = shared_from_this()](boost::system::error_code ec) {
                                   if (ec) return;
                                   self->is_write_blocked_ = false;
                                   self->flush();
                               });
        } else if (errno != EINTR) {
            // What the server said before it hung up ("max number of clients") may still be there
            // to read: the reader ends this connection.
            is_write_blocked_ = true;
        }
    }
}

// --- Reading ---

void wire::read() {
    socket_.async_read_some(asio::buffer(in_), [self = shared_from_this()](
                                                   boost::system::error_code ec, std::size_t n) {
        if (self->loss_) return;
        self->group_->begin_turn();
        if (ec) {
            self->lose({redis_errc::connect_failed, ec == asio::error::eof
                                                        ? "the server closed the connection"
                                                        : ec.message()});
        } else {
            self->on_read(n);
        }
        self->group_->end_turn();
    });
}

void wire::on_read(std::size_t bytes) {
    silent_since_ = clock::now();
    std::string_view input(in_.data(), bytes);
    while (!loss_) {
        auto parsed = parser_.next(input);
        if (!parsed) {
            lose({redis_errc::protocol_error, parsed.error().reason});
            return;
        }
        if (!parsed->has_value()) break;
        if (!on_value(std::move(**parsed))) return;
    }
    if (!loss_) read();
}

bool wire::on_value(value&& v) {
    if (receiver_) {
        receiver_(std::move(v));
        return true;
    }
    // Pushes stand between replies and answer nothing; nobody on a shared connection or a lease
    // asks for them.
    if (v.kind == value_kind::push) return true;
    const auto turn = pairing_.take();
    const bool is_unasked = !turn || (turn->owner != nullptr && turn->owner->begins_at >= taken_);
    if (is_unasked) {
        if (turn && turn->owner != nullptr) {  // due, but its request has not been sent
            group_->unwatch(*turn->owner);
            fail(*turn->owner, redis_errc::not_sent, "the server answered before it was asked");
        }
        const bool is_refusal = v.is_error();
        lose({is_refusal ? redis_errc::connect_failed : redis_errc::protocol_error,
              is_refusal ? printable_excerpt(v.text) : "a reply to no command"});
        return false;
    }
    if (auto* x = turn->owner; x != nullptr) {
        x->replies[x->filled++] = std::move(v);
        if (turn->is_last) {
            group_->unwatch(*x);
            x->holder = nullptr;
            group_->resume(*x);
        }
    }
    tell_if_idle();
    return true;
}

void wire::tell_if_idle() {
    if (outstanding() != 0 || !on_idle_) return;
    const auto tell = on_idle_;  // which may replace it
    tell();
}

// --- Ends ---

void wire::fail(exchange& x, redis_errc code, std::string detail) {
    x.failure = error{code, std::move(detail)};
    x.holder = nullptr;
    group_->resume(x);
}

void wire::withdraw(exchange& x, std::string_view why) {
    group_->unwatch(x);
    if (x.is_encoded) {
        pairing_.abandon(x.ticket);
        ++group_->abandoned;
        fail(x, redis_errc::unknown, std::string(why));
        lose_if_silent();
        return;
    }
    queued_.remove(x);
    commands_queued_ -= x.commands.size();
    bytes_queued_ -= x.bytes;
    fail(x, redis_errc::not_sent, std::string(why));
    tell_if_idle();
}

// Slow is not dead: judged by progress of the connection, not by one caller's deadline.
void wire::lose_if_silent() {
    if (clock::now() - silent_since_ < group_->silence_max()) return;
    lose({redis_errc::connect_failed, "the server has not answered anything for too long"});
}

void wire::lose(error why) {
    if (loss_) return;
    loss_ = why;
    const bool is_nonsense = why.code == redis_errc::protocol_error;
    exchange_list unsent;
    while (auto* x = pairing_.take_remaining()) {
        group_->unwatch(*x);
        if (x->begins_at >= taken_) {
            x->is_encoded = false;
            x->holder = nullptr;
            unsent.push_back(*x);
        } else {
            fail(*x, is_nonsense ? redis_errc::protocol_error : redis_errc::unknown, why.what());
        }
    }
    while (auto* x = queued_.pop_front()) {
        group_->unwatch(*x);
        x->holder = nullptr;
        unsent.push_back(*x);
    }
    commands_queued_ = 0;
    bytes_queued_ = 0;
    out_.clear();
    out_at_ = 0;
    on_idle_ = nullptr;
    if (const auto tell = std::exchange(on_lost_, nullptr)) {
        tell(std::move(unsent), why);
        return;
    }
    while (auto* x = unsent.pop_front())
        fail(*x, redis_errc::not_sent, why.what());
}

bool wire::is_quiet() noexcept {
    if (loss_) return false;
    char byte = 0;
    const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void wire::abort() noexcept {
    if (socket_.is_open()) (void)::shutdown(socket_.native_handle(), SHUT_RDWR);
}

int wire::close() noexcept {
    lose({redis_errc::closed, "the connection is closed"});
    receiver_ = nullptr;
    if (!socket_.is_open()) return -1;
    const int copy = ::fcntl(socket_.native_handle(), F_DUPFD_CLOEXEC, 0);
    // The duplicate keeps the connection open, so say that we are done.
    (void)::shutdown(socket_.native_handle(), SHUT_WR);
    boost::system::error_code ignored;
    socket_.close(ignored);
    return copy;
}

}  // namespace headroom::redis
