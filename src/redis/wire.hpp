// SPDX-License-Identifier: Apache-2.0
// One connected socket that speaks Redis: what is queued while a write is in flight becomes the
// next write, reads never wait for writes, replies find their callers by order. Decides nothing
// about pools, handshakes or reconnecting. Event loop only.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/connect.hpp"
#include "net/tls_session.hpp"
#include "redis/core/reply_pairing.hpp"
#include "redis/core/resp_parser.hpp"
#include "redis/core/traffic.hpp"
#include "redis/exchange.hpp"
#include "redis/redis_error.hpp"
#include "redis/wire_group.hpp"

namespace headroom::redis {

// Kept alive by its connection and by the socket operations in flight, whose handlers come after
// the connection is closed.
class wire final : public exchange_holder,
                   public exchange_sink,
                   public std::enable_shared_from_this<wire> {
public:
    // `unsent`: exchanges of which no byte reached the socket; whoever is told answers for them.
    using loss_listener = std::function<void(exchange_list unsent, const error& why)>;

    // `tls` is null on a plain connection; else its handshake is done.
    wire(net::stream_socket socket, std::shared_ptr<wire_group> group,
         std::unique_ptr<net::tls_session> tls = nullptr);
    ~wire();

    // Begins to read; once, after construction. From then on the end of the connection is noticed
    // at any time, also while nothing is pending.
    void start();

    void accept(exchange& x) override;
    void withdraw(exchange& x, std::string_view why) override;
    [[nodiscard]] deadline expire(clock::time_point now) override;
    // For the group, at the end of its turns.
    void flush();
    void read();

    // From now on every value the server sends goes to `receiver`, and nothing is paired.
    void set_receiver(std::function<void(value&&)> receiver) { receiver_ = std::move(receiver); }
    void send_unpaired(std::string_view bytes);

    void on_lost(loss_listener listener) { on_lost_ = std::move(listener); }
    // Called when the last reply that was due has come.
    void on_idle(std::function<void()> listener) { on_idle_ = std::move(listener); }

    [[nodiscard]] bool is_lost() const { return loss_.has_value(); }
    [[nodiscard]] const std::optional<error>& loss() const { return loss_; }
    // Empty when it is not lost, or was ended by us.
    [[nodiscard]] std::optional<loss_reason> loss_kind() const { return loss_kind_; }
    [[nodiscard]] std::size_t outstanding() const { return commands_queued_ + pairing_.due(); }
    [[nodiscard]] std::size_t bytes_queued() const { return bytes_queued_ + out_.size() - out_at_; }

    // Neither ended nor sent anything unasked for; without a round trip.
    [[nodiscard]] bool is_quiet() noexcept;
    // Ends every exchange with a reason; the socket stays until close().
    // `kind` is empty when we end it ourselves.
    void lose(error why, std::optional<loss_reason> kind = std::nullopt);
    // Cuts the socket; the reader notices.
    void abort() noexcept;
    // Closes the socket and gives a duplicate whose end tells that the server has let go, or -1.
    [[nodiscard]] int close() noexcept;

private:
    void on_read(std::size_t bytes);
    void on_ciphertext(std::size_t bytes);
    void take_in(std::string_view plaintext);
    [[nodiscard]] std::span<char> buffer();
    [[nodiscard]] ssize_t send_some(std::string_view bytes);
    [[nodiscard]] resp_parser::progress read_reply(exchange* owner, std::string_view& input,
                                                   value& into);
    [[nodiscard]] bool on_value(value& v);
    void on_unasked(const value& v, exchange* due);
    void encode_queued(std::string& to);
    [[nodiscard]] std::size_t send(std::string_view bytes);
    void give_up(exchange& x, std::string why);
    void give_up_unsent(exchange& x, std::string why);
    [[nodiscard]] std::string too_late(const exchange& x, clock::time_point now) const;
    void tell_if_idle();
    void lose_if_silent();

    net::stream_socket socket_;
    std::unique_ptr<net::tls_session> tls_;
    std::shared_ptr<wire_group> group_;
    std::optional<error> loss_;
    std::optional<loss_reason> loss_kind_;
    loss_listener on_lost_;
    std::function<void()> on_idle_;
    std::function<void(value&&)> receiver_;

    // Writing: queued_ -> out_ (encoded) -> the socket.
    exchange_list queued_;
    std::size_t commands_queued_ = 0;
    std::size_t bytes_queued_ = 0;
    std::string unpaired_;
    std::string out_;                // encoded, and the socket is full
    std::size_t out_at_ = 0;         // bytes of out_ the socket has taken
    std::uint64_t encoded_ = 0;      // bytes ever put into out_
    std::uint64_t taken_ = 0;        // bytes ever taken by the socket
    bool is_write_blocked_ = false;  // waiting for the socket to become writable
    bool is_flush_planned_ = false;

    // Reading.
    clock::time_point silent_since_{};  // the last read, or the write that ended an idle time
    std::array<char, 2048> small_in_;   // while little is expected
    std::unique_ptr<char[]> in_;        // lent by the group
    bool filled_its_buffer_ = false;    // the last read
    resp_parser parser_;
    value read_;  // the reply at hand that has no other place
    reply_pairing<exchange> pairing_;
};

}  // namespace headroom::redis
