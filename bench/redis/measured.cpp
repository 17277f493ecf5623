// SPDX-License-Identifier: Apache-2.0
#include "measured.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace headroom::bench {

double cpu_us() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

double latencies::percentile_us(double share) {
    if (ticks_.empty()) return 0;
    const auto rank = std::min(
        ticks_.size() - 1, static_cast<std::size_t>(share * static_cast<double>(ticks_.size())));
    const auto at = ticks_.begin() + static_cast<std::ptrdiff_t>(rank);
    std::ranges::nth_element(ticks_, at);
    return *at / 10.0;
}

void print_json_line(const run_arguments& given, run_result& measured) {
    const auto count = static_cast<double>(measured.commands.count());
    auto line = fmt::format(
        R"({{"client":"{}","workload":"{}","concurrency":{},"pool":{},"ops":{},"seconds":{:.3f},)"
        R"("ops_per_s":{:.0f},"p50_us":{:.1f},"p99_us":{:.1f},"client_cpu_us_per_op":{:.3f})",
        measured.client, given.workload, given.concurrency, given.pool, measured.commands.count(),
        measured.seconds, count / measured.seconds, measured.commands.percentile_us(.5),
        measured.commands.percentile_us(.99), count > 0 ? measured.cpu_us / count : 0);
    const auto& each = measured.operations_of_callers;
    if (!each.empty()) {
        const auto sum = std::accumulate(each.begin(), each.end(), std::uint64_t{0});
        const double mean = static_cast<double>(sum) / static_cast<double>(each.size());
        line += fmt::format(R"(,"least_served_share":{:.3f})",
                            mean > 0 ? static_cast<double>(std::ranges::min(each)) / mean : 0);
    }
    if (measured.deliveries.count() > 0) {
        line += fmt::format(R"(,"deliveries":{},"delivery_p50_us":{:.1f},"delivery_p99_us":{:.1f})",
                            measured.deliveries.count(), measured.deliveries.percentile_us(.5),
                            measured.deliveries.percentile_us(.99));
    }
    std::puts((line + "}").c_str());
}

}  // namespace headroom::bench
