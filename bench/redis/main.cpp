// SPDX-License-Identifier: Apache-2.0
// One run of one workload against a Redis server, as the benchmarks of other clients do it, and one
// JSON line about it. Starts no server.
#include <CLI/CLI.hpp>

#include "async_run.hpp"
#include "measured.hpp"
#include "sync_run.hpp"
#include "workload.hpp"

int main(int argc, char** argv) {
    headroom::bench::run_arguments given;
    std::string variant = "async";
    CLI::App app(
        "Measures the Redis clients. R1 GET of 64 bytes over 1000 keys; R2 SET of 1 KiB; "
        "R3 PUBLISH of 64 bytes to one subscriber in this process; R4 80 % GET, 20 % SET "
        "beside 4 callers that wait in BRPOP; A1 acquire and release of the "
        "blocking pool, without a command (sync only).",
        "bench_redis");
    app.add_option("HOST", given.host, "of the server")->required();
    app.add_option("PORT", given.port, "of the server")->required();
    app.add_option("WORKLOAD", given.workload)
        ->required()
        ->check(CLI::IsMember({"R1", "R2", "R3", "R4", "A1"}));
    app.add_option("CONCURRENCY", given.concurrency, "callers that each wait for their answer")
        ->required()
        ->check(CLI::Range(1, 100'000));
    app.add_option("POOL", given.pool, "connections at most")
        ->required()
        ->check(CLI::Range(1, 1'000));
    app.add_option("SECONDS", given.seconds, "to measure, after half a second to warm up")
        ->required()
        ->check(CLI::Range(0.01, 3600.0));
    app.add_option("VARIANT", variant, "async or sync")->check(CLI::IsMember({"async", "sync"}));
    CLI11_PARSE(app, argc, argv);
    namespace bench = headroom::bench;
    if (given.workload == "A1") {
        if (variant != "sync") bench::give_up("A1", "is measured with the variant sync");
        bench::run_acquire(given);
        return 0;
    }
    auto measured = variant == "sync" ? bench::run_sync(given) : bench::run_async(given);
    bench::print_json_line(given, measured);
    return 0;
}
