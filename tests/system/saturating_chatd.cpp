// SPDX-License-Identifier: Apache-2.0
// chatd with one bundle more, `saturate`, whose turn holds every connection that the four pools of
// its worker may open. For test_plan.py, which counts them on the servers; users never run it.
//
// The test and the bundles meet at keys of Redis: a bundle counts itself at `saturate:running`,
// waits for `saturate:go`, takes all, counts itself at `saturate:full`, and gives all back when
// `saturate:let_go` is there. Without it, everything ends after a minute.
#include <unistd.h>

#include <boost/asio/this_coro.hpp>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/bundles/blocking_threads.hpp"
#include "chat/service_main.hpp"
#include "net/deadline.hpp"
#include "net/task_group.hpp"

namespace {

using namespace headroom;
namespace asio = boost::asio;

constexpr auto hold_time_max = std::chrono::seconds(60);
constexpr auto between_looks = std::chrono::milliseconds(20);

// Leases of one pool of the event loop, until nothing more may be opened: what the lane and the
// subscriber keep counts too.
template <class Pool, class Lease, class Take>
asio::awaitable<result<void>> take_all(const Pool& pool, std::vector<Lease>& to, Take take) {
    while (pool.stats().leased < pool.stats().cap) {
        auto taken = co_await take();
        if (!taken) co_return std::unexpected(std::move(taken.error()));
        to.push_back(std::move(*taken));
    }
    co_return result<void>{};
}

class saturating_bundle final : public chat::bundle {
public:
    asio::awaitable<result<void>> handle(chat::bundle_turn turn,
                                         const chat::bundle_services& with) override {
        const auto by = std::min(turn.by, clock::now() + hold_time_max);
        auto refused = be_refused_on_the_loop(with.blocking(by));
        if (!refused) co_return refused;
        auto met = co_await meet(with, "saturate:running", "saturate:go", by);
        if (!met) co_return met;
        std::vector<redis::exclusive_connection> redis_leases;
        std::vector<postgres::postgres_lease> pg_leases;
        auto taken = co_await take_leases(with, redis_leases, pg_leases, by);
        if (!taken) co_return taken;

        const auto blocking = with.blocking(by);
        const auto cap = blocking.sync.options().bounds.cap.value_or(0);
        if (!threads_) threads_.emplace(cap);
        net::task_group threads(co_await asio::this_coro::executor);
        for (std::uint32_t i = 0; i < cap; ++i)
            threads.spawn("BLPOP", block(blocking));
        while (blocking.sync.stats().leased < cap && clock::now() < by)
            co_await net::sleep_until(clock::now() + between_looks);
        met = co_await meet(with, "saturate:full", "saturate:let_go", by);
        // Each thread takes one element; without any, each ends at the deadline.
        for (std::uint32_t i = 0; i < cap; ++i)
            co_await with.async.execute(redis::command("RPUSH", wake_key(), "end"),
                                        with.async_call(by));
        co_await threads.join(deadline::max());
        if (!met) co_return met;
        co_return turn.answer.write("All connections were held.");
    }

private:
    // This runs on the worker's event loop, which no blocking call may stop.
    static result<void> be_refused_on_the_loop(const chat::blocking_services& with) {
        const auto reply = with.sync.execute(redis::command("PING"), with.call);
        if (!reply && reply.error().code == redis::redis_errc::not_allowed) return {};
        return failure(redis::redis_errc::unexpected_reply,
                       "a blocking call on the event loop was not refused");
    }
    // Says that it is here, and waits until the test allows to go on.
    static asio::awaitable<result<void>> meet(const chat::bundle_services& with,
                                              std::string counter, std::string gate, deadline by) {
        const auto how = with.async_call(by);
        auto counted = co_await with.async.execute(redis::command("INCR", counter), how);
        if (!counted) co_return std::unexpected(std::move(counted.error()));
        for (;;) {
            auto found = co_await with.async.execute(redis::command("EXISTS", gate), how);
            if (!found) co_return std::unexpected(std::move(found.error()));
            if (found->integer == 1) co_return result<void>{};
            co_await net::sleep_until(clock::now() + between_looks);
        }
    }

    static asio::awaitable<result<void>> take_leases(
        const chat::bundle_services& with, std::vector<redis::exclusive_connection>& redis_leases,
        std::vector<postgres::postgres_lease>& pg_leases, deadline by) {
        // The command lane of this pool may not have been needed yet: it keeps one connection.
        auto answered =
            co_await with.async_decode.execute(redis::command("PING"), with.async_decode_call(by));
        if (!answered) co_return std::unexpected(std::move(answered.error()));
        auto taken = co_await take_all(with.async, redis_leases, [&with, by] {
            return with.async.lease(with.async_call(by));
        });
        if (!taken) co_return taken;
        taken = co_await take_all(with.async_decode, redis_leases, [&with, by] {
            return with.async_decode.lease(with.async_decode_call(by));
        });
        if (!taken) co_return taken;
        co_return co_await take_all(with.pg, pg_leases,
                                    [&with, by] { return with.pg.acquire(with.pg_call(by)); });
    }

    // Holds one connection of the blocking pool on a thread of ours.
    asio::awaitable<void> block(chat::blocking_services with) {
        std::function<result<std::string>()> job = [with]() -> result<std::string> {
            auto popped = with.sync.execute(redis::command("BLPOP", wake_key(), "0"), with.call);
            if (!popped) return std::unexpected(std::move(popped.error()));
            return std::string();
        };
        auto ended = co_await threads_->run(std::move(job), with.call.by);
        if (!ended) std::cerr << "saturate: BLPOP: " << ended.error().what() << '\n';
    }

    static std::string wake_key() { return "saturate:wake:" + std::to_string(::getpid()); }

    std::optional<chat::blocking_threads> threads_;
};

chat::bundle_definition saturate() {
    return {
        .name = "saturate",
        .summary = "Holds every connection of its worker.",
        .make = [](const chat::bundle_values&) { return std::make_unique<saturating_bundle>(); }};
}

}  // namespace

int main() {
    return chat::service_main(config::process_sources(), {saturate()});
}
