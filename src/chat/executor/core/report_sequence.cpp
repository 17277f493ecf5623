// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/report_sequence.hpp"

namespace headroom::chat {
namespace {

constexpr std::uint64_t channels = 2;
// A byte that is no UTF-8 becomes U+FFFD, three bytes.
constexpr std::uint64_t growth_max = 3;

template <class... Cases>
struct overloaded : Cases... {
    using Cases::operator()...;
};

}  // namespace

report_sequence::report_sequence(const execution_limits& within)
    // A bound so large that it would wrap bounds nothing.
    : text_bytes_max_(within.output_bytes > UINT64_MAX / (channels * growth_max)
                          ? UINT64_MAX
                          : within.output_bytes * channels * growth_max) {}

std::string report_sequence::on_report(const execution_report& one) {
    if (is_ended_) return "it reported more after its end";
    return std::visit(
        overloaded{[&](const started_report&) -> std::string {
                       if (is_started_) return "it reported its start twice";
                       is_started_ = true;
                       return {};
                   },
                   [&](const output_report& output) -> std::string {
                       if (!is_started_) return "it reported output before its start";
                       if (output.text.size() > text_bytes_max_ - text_bytes_)
                           return "it reported more output than was allowed";
                       text_bytes_ += output.text.size();
                       return {};
                   },
                   [&](const ended_report& end) -> std::string {
                       const int ways = (end.exit_code ? 1 : 0) + (end.signal ? 1 : 0) +
                                        (end.start_error.empty() ? 0 : 1);
                       if (ways != 1)
                           return "its report of the end names " + std::to_string(ways) +
                                  " ways to end instead of one";
                       // Only what was never run ends without a start.
                       if (!is_started_ && end.start_error.empty())
                           return "it reported the end of a program whose start it did not report";
                       is_ended_ = true;
                       return {};
                   }},
        one);
}

}  // namespace headroom::chat
