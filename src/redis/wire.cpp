// SPDX-License-Identifier: Apache-2.0
#include "redis/wire.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "net/tls_transfer.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {
// What is encoded at once; the rest can still be withdrawn, or go to another connection.
constexpr std::size_t write_bytes = 256 * 1024;
// What a client keeps for its next writes.
constexpr std::size_t encoding_bytes_kept = 1024 * 1024;
// With more replies due than this, the next read may well bring more than a small buffer holds.
constexpr std::size_t few_replies = 4;
}  // namespace

wire::wire(net::stream_socket socket, std::shared_ptr<wire_group> group,
           std::unique_ptr<net::tls_session> tls)
    : socket_(std::move(socket)), tls_(std::move(tls)), group_(std::move(group)) {
    group_->add(*this);
}

// Reached with callers left only when the event loop is torn down: nobody can be resumed any more.
wire::~wire() {
    group_->remove(*this);
    while (auto* x = pairing_.take_remaining())
        x->caller.drop();
    while (auto* x = queued_.pop_front())
        x->caller.drop();
    group_->take_back_buffer(std::move(in_));
}

void wire::start() {
    if (tls_) on_ciphertext(0);  // what came with the end of the handshake
    read();
}

// --- Writing ---

void wire::accept(exchange& x) {
    if (loss_) {
        group_->fail(x, redis_errc::not_sent, loss_->what());
        return;
    }
    x.holder = this;
    x.since = group_->turn_time();
    queued_.push_back(x);
    commands_queued_ += x.commands.size();
    bytes_queued_ += x.bytes;
    group_->note_deadline(x.by);
    if (!std::exchange(is_flush_planned_, true)) group_->flush_at_end_of_turn(shared_from_this());
}

void wire::send_unpaired(std::string_view bytes) {
    if (loss_) return;
    unpaired_.append(bytes);
    if (!std::exchange(is_flush_planned_, true)) group_->flush_at_end_of_turn(shared_from_this());
}

void wire::encode_queued(std::string& to) {
    to.append(unpaired_);
    encoded_ += unpaired_.size();
    unpaired_.clear();
    if (queued_.empty()) return;
    if (pairing_.due() == 0) silent_since_ = group_->turn_time();
    const auto due_before = pairing_.due();
    while (!queued_.empty() && to.size() < write_bytes) {
        auto& x = *queued_.pop_front();
        commands_queued_ -= x.commands.size();
        bytes_queued_ -= x.bytes;
        x.is_encoded = true;
        x.begins_at = encoded_;
        x.ticket = pairing_.expect(x, x.commands.size(), x.begins_at);
        for (const auto& each : x.commands)
            each.encode_to(to);
        encoded_ += x.bytes;
    }
    group_->traffic.count_batch(pairing_.due() - due_before);
}

// With TLS a byte is taken once it is encrypted: any part of its record may have left.
ssize_t wire::send_some(std::string_view bytes) {
    if (tls_) return net::send_encrypted(*tls_, socket_.native_handle(), bytes);
    return ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void wire::flush() {
    is_flush_planned_ = false;
    while (!loss_ && !is_write_blocked_) {
        if (out_at_ < out_.size()) {
            out_at_ += send(std::string_view(out_).substr(out_at_));
            continue;
        }
        out_ = {};
        out_at_ = 0;
        auto& encoding = group_->encoding();
        encode_queued(encoding);
        const bool has_ciphertext = tls_ && !tls_->to_send().empty();
        if (encoding.empty() && !has_ciphertext) return;
        const auto sent = send(encoding);
        if (sent < encoding.size()) out_.assign(encoding, sent);
        encoding.clear();
        if (encoding.capacity() > encoding_bytes_kept) encoding.shrink_to_fit();
    }
}

// Returns how many bytes the socket took; when it is full, flush() is called once it is not.
std::size_t wire::send(std::string_view bytes) {
    const auto sent = send_some(bytes);
    if (sent >= 0) {
        taken_ += static_cast<std::uint64_t>(sent);
        group_->traffic.bytes_written += static_cast<std::uint64_t>(sent);
        return static_cast<std::size_t>(sent);
    }
    if (errno == EINTR) return 0;
    // After any other failure the reader ends this connection: what the server said before it hung
    // up ("max number of clients") may still be there to read.
    is_write_blocked_ = true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return 0;
    socket_.async_wait(net::stream_socket::wait_write,
                       [self = shared_from_this()](boost::system::error_code ec) {
                           if (ec) return;
                           self->group_->begin_turn();
                           self->is_write_blocked_ = false;
                           self->flush();
                           self->group_->end_turn();
                       });
    return 0;
}

// --- Reading ---

void wire::read() {
    if (loss_) return;
    // An idle connection holds no large buffer.
    if (outstanding() > few_replies || filled_its_buffer_) {
        if (!in_) in_ = group_->lend_buffer();
    } else {
        if (in_) group_->take_back_buffer(std::move(in_));
        pairing_.shrink();
    }
    const auto into = buffer();
    socket_.async_read_some(
        asio::buffer(into.data(), into.size()),
        [self = shared_from_this()](boost::system::error_code ec, std::size_t n) {
            if (self->loss_) return;
            self->group_->begin_turn();
            if (!ec) {
                self->on_read(n);
            } else if (ec == asio::error::eof) {
                self->lose(
                    {redis_errc::connect_failed, self->tls_ ? self->tls_->end_of_stream().detail
                                                            : "the server closed the connection"},
                    loss_reason::closed_by_server);
            } else {
                self->lose({redis_errc::connect_failed, ec.message()}, loss_reason::socket_failed);
            }
            self->group_->end_turn();
        });
}

std::span<char> wire::buffer() {
    if (in_) return {in_.get(), wire_group::read_bytes};
    return small_in_;
}

void wire::on_read(std::size_t bytes) {
    silent_since_ = group_->turn_time();
    group_->traffic.bytes_read += bytes;
    filled_its_buffer_ = bytes == buffer().size();
    if (tls_) {
        on_ciphertext(bytes);
    } else {
        take_in({buffer().data(), bytes});
    }
    if (!loss_) group_->read_at_end_of_turn(shared_from_this());
}

void wire::on_ciphertext(std::size_t bytes) {
    tls_->feed({buffer().data(), bytes});  // a copy: the buffer takes the plaintext
    while (!loss_) {
        const auto got = tls_->read(buffer());
        if (!got) {
            lose({redis_errc::tls_failed, got.error().detail}, loss_reason::socket_failed);
            return;
        }
        if (*got == 0) break;
        take_in({buffer().data(), *got});
    }
    if (loss_) return;
    if (tls_->has_ended()) {
        lose({redis_errc::connect_failed, tls_->end_of_stream().detail},
             loss_reason::closed_by_server);
    } else if (!tls_->to_send().empty()) {
        flush();
    }
}

void wire::take_in(std::string_view input) {
    while (!loss_) {
        // Straight to whose turn it is.
        auto* owner = receiver_ ? nullptr : pairing_.next_owner();
        auto& v = owner != nullptr ? owner->replies[owner->filled] : read_;
        const auto progress = read_reply(owner, input, v);
        if (progress == resp_parser::progress::needs_more) break;
        if (progress == resp_parser::progress::faulty) {
            lose({redis_errc::protocol_error, parser_.fault().reason}, loss_reason::nonsense);
            return;
        }
        if (!on_value(v)) return;
    }
}

resp_parser::progress wire::read_reply(exchange* owner, std::string_view& input, value& into) {
    // Not for an answer that comes before its question.
    const bool is_shown =
        owner != nullptr && owner->visitor != nullptr && owner->begins_at < taken_;
    if (!is_shown) return parser_.read(input, into);

    if (const auto* seen = parser_.is_between_values() ? group_->viewer().read(input) : nullptr) {
        if (seen->is_error()) {
            into = to_value(*seen);
        } else {
            (*owner->visitor)(*seen);
        }
        return resp_parser::progress::complete;
    }
    const auto progress = parser_.read(input, into);
    if (progress == resp_parser::progress::complete && !into.is_error() &&
        into.kind != value_kind::push) {
        (*owner->visitor)(group_->viewer().show(into));
        into = {};
    }
    return progress;
}

bool wire::on_value(value& v) {
    if (receiver_) {
        receiver_(std::move(v));
        return true;
    }
    // Pushes stand between replies and answer nothing; nobody on a shared connection or a lease
    // asks for them.
    if (v.kind == value_kind::push) return true;
    auto* const due = pairing_.next_owner();
    if (!pairing_.is_asked(taken_)) {
        on_unasked(v, due);
        return false;
    }
    const auto turn = pairing_.take();
    if (due != nullptr) {
        group_->traffic.count(v.is_error() ? outcome_of(classify_server_error(v.text))
                                           : outcome::ok);
        ++due->filled;
        if (turn->is_last) {
            due->holder = nullptr;
            group_->resume(*due);
        }
    }
    if (pairing_.due() == 0) tell_if_idle();
    return true;
}

// Nothing was asked, or what comes next has not been sent yet.
void wire::on_unasked(const value& v, exchange* due) {
    const bool is_refusal = v.is_error();
    auto why = error{is_refusal ? redis_errc::connect_failed : redis_errc::protocol_error,
                     is_refusal ? printable_excerpt(v.text) : "a reply to no command"};
    if (due != nullptr) {
        (void)pairing_.take();
        group_->fail(*due, redis_errc::not_sent, "the server answered before it was asked");
    }
    lose(std::move(why), is_refusal ? loss_reason::refused : loss_reason::nonsense);
}

void wire::tell_if_idle() {
    if (outstanding() != 0 || !on_idle_) return;
    const auto tell = on_idle_;  // which may replace it
    tell();
}

// --- Ends ---

void wire::withdraw(exchange& x, std::string_view why) {
    if (x.is_encoded) {
        give_up(x, std::string(why));
        lose_if_silent();
    } else {
        give_up_unsent(x, std::string(why));
        tell_if_idle();
    }
}

deadline wire::expire(clock::time_point now) {
    auto earliest = deadline::max();
    bool has_given_up = false;
    pairing_.for_each_owner([&](exchange& x) {
        if (x.by > now) {
            earliest = std::min(earliest, x.by);
        } else {
            give_up(x, too_late(x, now));
            has_given_up = true;
        }
    });
    for (auto* x = queued_.front(); x != nullptr;) {
        auto* const next = x->next;
        if (x->by > now) {
            earliest = std::min(earliest, x->by);
        } else {
            give_up_unsent(*x, too_late(*x, now));
        }
        x = next;
    }
    if (has_given_up) lose_if_silent();
    if (!loss_) tell_if_idle();
    return earliest;
}

std::string wire::too_late(const exchange& x, clock::time_point now) const {
    const auto ms = [now](clock::time_point from) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(now - from).count();
    };
    auto text = fmt::format(
        "its deadline has passed, {} ms after it was queued here; this connection owes {} replies",
        ms(x.since), pairing_.due());
    if (pairing_.due() > 0) text += fmt::format(", was last heard {} ms ago", ms(silent_since_));
    text += fmt::format(", and has {} bytes to write", bytes_queued());
    if (group_->describe_pool) text += "; " + group_->describe_pool();
    return text;
}

// The reply, if it comes, is nobody's.
void wire::give_up(exchange& x, std::string why) {
    pairing_.abandon(x.ticket);
    ++group_->traffic.abandoned;
    group_->fail(x, redis_errc::unknown, std::move(why));
}

void wire::give_up_unsent(exchange& x, std::string why) {
    queued_.remove(x);
    commands_queued_ -= x.commands.size();
    bytes_queued_ -= x.bytes;
    group_->fail(x, redis_errc::not_sent, std::move(why));
}

// Slow is not dead: judged by progress of the connection, not by one caller's deadline.
void wire::lose_if_silent() {
    if (clock::now() - silent_since_ < group_->silence_max()) return;
    lose({redis_errc::connect_failed, "the server has not answered anything for too long"},
         loss_reason::silent);
}

void wire::lose(error why, std::optional<loss_reason> kind) {
    if (loss_) return;
    loss_ = why;
    loss_kind_ = kind;
    if (kind) ++group_->traffic.losses[static_cast<std::size_t>(*kind)];
    const bool is_nonsense = why.code == redis_errc::protocol_error;
    exchange_list unsent;
    while (auto* x = pairing_.take_remaining()) {
        if (x->begins_at >= taken_) {
            x->is_encoded = false;
            x->holder = nullptr;
            unsent.push_back(*x);
        } else {
            group_->fail(*x, is_nonsense ? redis_errc::protocol_error : redis_errc::unknown,
                         why.what());
        }
    }
    while (auto* x = queued_.pop_front()) {
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
        group_->fail(*x, redis_errc::not_sent, why.what());
}

bool wire::is_quiet() noexcept {
    if (loss_ || !parser_.is_between_values()) return false;
    if (tls_) return net::is_quiet(*tls_, socket_.native_handle());
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
    if (tls_) net::send_close(*tls_, socket_.native_handle());
    const int copy = ::fcntl(socket_.native_handle(), F_DUPFD_CLOEXEC, 0);
    // The duplicate keeps the connection open, so say that we are done.
    (void)::shutdown(socket_.native_handle(), SHUT_WR);
    boost::system::error_code ignored;
    socket_.close(ignored);
    return copy;
}

}  // namespace headroom::redis
