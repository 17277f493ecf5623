// SPDX-License-Identifier: Apache-2.0
// chatd with one bundle more, `saturate`, whose turn holds every connection that the four pools of
// its worker may open. For test_plan.py, which counts them on the servers; users never run it.
//
// The test and the bundles meet at keys of Redis: a bundle counts itself at `saturate:running`,
// waits for `saturate:go`, takes all, counts itself at `saturate:full`, and gives all back when
// `saturate:let_go` is there. Without it, everything ends after a minute.
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "chat/bundles/blocking_threads.hpp"
#include "chat/bundles/bundle.hpp"
#include "chat/supervisor/supervisor.hpp"
#include "chat/worker/worker.hpp"
#include "config/load.hpp"
#include "config/worker_slot.hpp"
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
    explicit saturating_bundle(chat::bundle_services with)
        : with_(with),
          threads_(with.sync.options().bounds.cap.value_or(0)),
          async_owner_(with.async.owner("bundle:saturate")),
          decode_owner_(with.async_decode.owner("bundle:saturate")),
          sync_owner_(with.sync.owner("bundle:saturate")),
          pg_owner_(with.pg.owner("bundle:saturate")) {}

    std::string_view name() const override { return "saturate"; }

    asio::awaitable<result<void>> handle(chat::bundle_request, chat::answer_stream& answer,
                                         deadline by) override {
        by = std::min(by, clock::now() + hold_time_max);
        auto met = co_await meet("saturate:running", "saturate:go", by);
        if (!met) co_return met;
        std::vector<redis::exclusive_connection> redis_leases;
        std::vector<postgres::postgres_lease> pg_leases;
        auto taken = co_await take_leases(redis_leases, pg_leases, by);
        if (!taken) co_return taken;

        net::task_group blocking(co_await asio::this_coro::executor);
        for (std::uint32_t i = 0; i < with_.sync.options().bounds.cap; ++i)
            blocking.spawn("BLPOP", block(by));
        while (with_.sync.stats().leased < with_.sync.options().bounds.cap && clock::now() < by)
            co_await net::sleep_until(clock::now() + between_looks);
        met = co_await meet("saturate:full", "saturate:let_go", by);
        // Each thread takes one element; without any, each ends at the deadline.
        for (std::uint32_t i = 0; i < with_.sync.options().bounds.cap; ++i)
            co_await with_.async.execute(redis::command("RPUSH", wake_key(), "end"),
                                         {async_owner_, by});
        co_await blocking.join(deadline::max());
        if (!met) co_return met;
        co_return answer.write("All connections were held.");
    }

private:
    // Says that it is here, and waits until the test allows to go on.
    asio::awaitable<result<void>> meet(std::string counter, std::string gate, deadline by) {
        const redis::call how{async_owner_, by};
        auto counted = co_await with_.async.execute(redis::command("INCR", counter), how);
        if (!counted) co_return std::unexpected(std::move(counted.error()));
        for (;;) {
            auto found = co_await with_.async.execute(redis::command("EXISTS", gate), how);
            if (!found) co_return std::unexpected(std::move(found.error()));
            if (found->integer == 1) co_return result<void>{};
            co_await net::sleep_until(clock::now() + between_looks);
        }
    }

    asio::awaitable<result<void>> take_leases(
        std::vector<redis::exclusive_connection>& redis_leases,
        std::vector<postgres::postgres_lease>& pg_leases, deadline by) {
        // The command lane of this pool may not have been needed yet: it keeps one connection.
        auto answered =
            co_await with_.async_decode.execute(redis::command("PING"), {decode_owner_, by});
        if (!answered) co_return std::unexpected(std::move(answered.error()));
        auto taken = co_await take_all(with_.async, redis_leases, [this, by] {
            return with_.async.lease({async_owner_, by});
        });
        if (!taken) co_return taken;
        taken = co_await take_all(with_.async_decode, redis_leases, [this, by] {
            return with_.async_decode.lease({decode_owner_, by});
        });
        if (!taken) co_return taken;
        co_return co_await take_all(with_.pg, pg_leases,
                                    [this, by] { return with_.pg.acquire({pg_owner_, by}); });
    }

    // Holds one connection of the blocking pool on a thread of ours.
    asio::awaitable<void> block(deadline by) {
        std::function<result<std::string>()> job = [this, by]() -> result<std::string> {
            auto popped =
                with_.sync.execute(redis::command("BLPOP", wake_key(), "0"), {sync_owner_, by});
            if (!popped) return std::unexpected(std::move(popped.error()));
            return std::string();
        };
        auto ended = co_await threads_.run(std::move(job), by);
        if (!ended) std::cerr << "saturate: BLPOP: " << ended.error().what() << '\n';
    }

    static std::string wake_key() { return "saturate:wake:" + std::to_string(::getpid()); }

    chat::bundle_services with_;
    chat::blocking_threads threads_;
    pool::owner_id async_owner_;
    pool::owner_id decode_owner_;
    pool::owner_id sync_owner_;
    pool::owner_id pg_owner_;
};

int refuse(const config::faults& all) {
    std::cerr << config::describe_faults(all);
    return 2;
}

}  // namespace

int main() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    config::sources from = config::process_sources();
    const auto slot = config::read_worker_slot(from.variables);
    if (!slot) return refuse(slot.error());
    auto settings = config::load(from);
    if (!settings) return refuse(settings.error());
    if (!*slot) return chat::supervisor_main(std::move(*settings), std::move(from.variables));
    const chat::bundle_recipe saturate{"saturate", [](chat::bundle_services with) {
                                           return std::make_unique<saturating_bundle>(with);
                                       }};
    return chat::worker_main(std::move(*settings), **slot, {saturate});
}
