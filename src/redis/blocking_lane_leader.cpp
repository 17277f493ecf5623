// SPDX-License-Identifier: Apache-2.0
// The thread that leads a connection: writes what is queued, reads replies for all, and hands over.
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "redis/blocking_lane_state.hpp"

namespace headroom::redis {

namespace {

// With a server nearer than this, what comes while replies are awaited is written with what comes
// next: one send for many. Farther away it would wait for most of a round trip, so it is written
// at once.
constexpr auto far_away = std::chrono::milliseconds(1);

}  // namespace

std::size_t blocking_lane::member::send_rest() {
    if (out.empty()) return 0;
    const auto sent = link->send_some(std::string_view(out).substr(out_at));
    out_at += sent;
    if (out_at == out.size()) {
        out.clear();
        out_at = 0;
    }
    return sent;
}

// The shortest one counts: how far the server is, not how busy.
void blocking_lane::member::note_round_trip(clock::duration latest) {
    if (latest < round_trip || round_trip == clock::duration::zero()) {
        round_trip = latest;
    } else {
        round_trip += (latest - round_trip) / 64;
    }
    is_far = round_trip > far_away;
    if (is_far && bell < 0) bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    is_far = is_far && bell >= 0;
}

void blocking_lane::lead(std::unique_lock<std::mutex>& lock, member& at, waiting_call& mine) {
    at.leader = &mine;
    shared_call_list done;
    while (!mine.has_ended) {
        const auto began = clock::now();
        if (at.book.due() == 0) at.silent_since = began;
        if (began >= at.retire_at) at.is_retiring = true;
        encode_queued(at);
        lock.unlock();
        auto turn = take_turn(at, mine.by, done);
        lock.lock();
        if (turn.sent > 0 && !at.replies.empty()) at.note_round_trip(turn.ended_at - began);
        auto why = deliver(at, turn, done);
        if (mine.has_ended) {
            done.remove(mine);
            mine.ended_itself = true;
        }
        if (why) {
            at.leader = nullptr;
            lose(at, *why, done);
            if (mine.has_ended && !mine.ended_itself) {
                done.remove(mine);
                mine.ended_itself = true;
            }
            lock.unlock();
            tell_all<waiting_call>(done);
            lock.lock();
            return;
        }
        if (!mine.has_ended && clock::now() >= mine.by) withdraw(mine);
    }
    leave(lock, at, done);
}

void blocking_lane::encode_queued(member& at) {
    const auto due_before = at.book.due();
    at.book.encode_queued(at.out);
    if (at.book.due() > due_before) traffic_.count_batch(at.book.due() - due_before);
}

void blocking_lane::count_sent(member& at, std::size_t bytes) {
    at.book.on_sent(bytes);
    traffic_.bytes_written += bytes;
}

// Writes what has queued meanwhile, so that the server works while the next leader wakes.
void blocking_lane::leave(std::unique_lock<std::mutex>& lock, member& at, shared_call_list& done) {
    if (at.book.has_queued()) {
        if (at.book.due() == 0) at.silent_since = clock::now();
        encode_queued(at);
        lock.unlock();
        const auto sent = at.send_rest();
        lock.lock();
        count_sent(at, sent);
    }
    pool::parked_thread::sleeper next;
    at.leader = static_cast<waiting_call*>(at.book.oldest());
    if (at.leader != nullptr) {
        next = at.leader->thread.tell(look_again);
    } else {
        // Replies to those who gave up would be left to nobody.
        release(at, at.book.empty());
    }
    lock.unlock();
    next.wake();
    tell_all<waiting_call>(done);
    lock.lock();
}

blocking_lane::io_turn blocking_lane::take_turn(member& at, deadline by, shared_call_list& done) {
    io_turn now;
    now.sent = at.send_rest();
    tell_all<waiting_call>(done);
    const bool is_writing = !at.out.empty();
    if (const auto ready = at.link->wait(is_writing, by, at.bell); !ready) {
        if (clock::now() < by) now.loss = ready.error();
        return now;
    }
    auto read = at.link->receive(at.replies);
    if (read) {
        now.received = *read;
    } else {
        now.loss = std::move(read.error());
    }
    now.ended_at = clock::now();
    return now;
}

// What the turn has brought goes to its owners. A failure: the connection is of no more use.
std::optional<call_failure> blocking_lane::deliver(member& at, io_turn& turn,
                                                   shared_call_list& done) {
    using outcome = call_failure::outcome;
    count_sent(at, turn.sent);
    if (!at.replies.empty()) at.silent_since = turn.ended_at;
    if (std::exchange(at.is_rung, false)) {
        std::uint64_t rings = 0;
        (void)!::read(at.bell, &rings, sizeof rings);
    }
    traffic_.bytes_read += turn.received;
    for (auto& each : at.replies) {
        traffic_.count(each.is_error() ? outcome_of(classify_server_error(each.text))
                                       : redis::outcome::ok);
        if (auto stray = at.book.on_reply(std::move(each), done)) {
            return call_failure{stray->is_error ? outcome::unknown : outcome::nonsense,
                                std::move(stray->detail)};
        }
    }
    at.replies.clear();
    if (!turn.loss) return std::nullopt;
    if (at.is_given_up) {
        return call_failure{outcome::unknown, "the server has not answered anything for too long"};
    }
    const bool is_nonsense = turn.loss->code == redis_errc::protocol_error;
    return call_failure{is_nonsense ? outcome::nonsense : outcome::unknown,
                        std::move(turn.loss->detail)};
}

}  // namespace headroom::redis
