// SPDX-License-Identifier: Apache-2.0
// A TCP gate before a server, through which a test harms connections: each direction for itself, at
// any moment. Not a server, and it understands no protocol.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace headroom::test {

enum class toward : std::uint8_t { server, client };

// What happens to the bytes of one direction, of the connections there are and of those to come.
struct gate_flow {
    enum class way : std::uint8_t {
        passes,
        is_paused,      // nothing is read: what the peer writes piles up, and goes on when healed
        is_black_hole,  // all is read and forgotten, the end of the stream too
    };
    way how = way::passes;
    std::chrono::milliseconds delay{0};  // of each byte
    std::size_t piece = 0;               // bytes at once, each piece a segment; 0: as they come
    std::size_t bytes_per_second = 0;    // 0: as fast as they come
    std::optional<std::size_t> bytes_left{};  // so many more on each connection, then it is cut
    bool closes_on_data = false;              // the first byte closes its connection instead
};

// Works in a thread of its own. Every verb is in force when it returns. Safe from any thread.
class fault_gate {
public:
    // Listens on a free port of 127.0.0.1 for clients of the server at `server_port` there.
    explicit fault_gate(std::uint16_t server_port);
    ~fault_gate();
    fault_gate(const fault_gate&) = delete;
    fault_gate& operator=(const fault_gate&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // --- What happens to bytes: one verb a direction, the last one counts ---
    void pass(toward whom) { set(whom, {}); }
    void delay(toward whom, std::chrono::milliseconds by) { set(whom, {.delay = by}); }
    void pause(toward whom) { set(whom, {.how = gate_flow::way::is_paused}); }
    // A connection that has lost bytes is cut as soon as the direction passes again: what came
    // after them would make no sense.
    void black_hole(toward whom) { set(whom, {.how = gate_flow::way::is_black_hole}); }
    void split(toward whom, std::size_t piece) { set(whom, {.piece = piece}); }
    void slow(toward whom, std::size_t bytes_per_second) {
        set(whom, {.bytes_per_second = bytes_per_second});
    }
    void limit_bytes(toward whom, std::size_t bytes) { set(whom, {.bytes_left = bytes}); }
    void close_on_data(toward whom) { set(whom, {.closes_on_data = true}); }
    void set(toward whom, gate_flow flow);

    // --- What happens to the connections there are ---
    void cut();                    // RST to both ends
    void close();                  // FIN to both ends, after nothing
    void half_close(toward whom);  // FIN to that end; the other direction goes on

    // --- What happens to new ones ---
    void stop_accepting();  // the system completes their handshake, nobody is there
    void refuse();          // "connection refused"
    void accept();

    // Everything passes, everybody is accepted.
    void heal();

    // --- Counts ---
    [[nodiscard]] std::size_t accepted() const { return locked(accepted_); }  // since start
    [[nodiscard]] std::size_t connections() const { return locked(open_); }   // now
    [[nodiscard]] std::size_t most() const { return locked(most_); }  // at once, since start
    // Passed on since start.
    [[nodiscard]] std::uint64_t bytes(toward whom) const {
        return locked(bytes_[static_cast<std::size_t>(whom)]);
    }

private:
    using clock = std::chrono::steady_clock;
    struct connection;
    struct stream;
    enum class door : std::uint8_t { open, unattended, locked };

    template <class T>
    [[nodiscard]] T locked(const T& count) const {
        const std::lock_guard lock(mutex_);
        return count;
    }
    void in_thread(std::function<void()> act);
    void run();
    [[nodiscard]] std::chrono::milliseconds fill_polled(std::vector<::pollfd>& polled);
    void forget_those_over();
    void accept_all();
    void serve(connection& of, const ::pollfd& client, const ::pollfd& server);
    void read_some(connection& of, stream& s);
    void write_some(connection& of, stream& s);
    [[nodiscard]] std::size_t sendable(const stream& s, clock::time_point now) const;
    [[nodiscard]] bool may_read(const stream& s) const;

    std::uint16_t server_port_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    int bell_ = -1;

    mutable std::mutex mutex_;
    std::condition_variable done_;

    // Guarded by mutex_.
    std::vector<std::function<void()>> asked_;
    std::uint64_t asked_count_ = 0;
    std::uint64_t done_count_ = 0;
    bool is_ending_ = false;
    std::array<gate_flow, 2> flows_;  // by toward
    door door_ = door::open;
    std::list<std::unique_ptr<connection>> connections_;
    std::size_t accepted_ = 0;
    std::size_t open_ = 0;
    std::size_t most_ = 0;
    std::array<std::uint64_t, 2> bytes_{};

    std::thread thread_;
};

}  // namespace headroom::test
