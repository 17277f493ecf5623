// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/start_report.hpp"

#include <fmt/format.h>

#include "config/capacity.hpp"

namespace headroom::chat {

std::string sum_text(const budget::demand& of) {
    std::string text = budget::to_string(of.total) + " =";
    for (const budget::term& one : of.terms) {
        text += fmt::format("{} {} {} ({})", &one == &of.terms.front() ? "" : " +",
                            budget::to_string(one.most), one.name, one.formula);
    }
    return text;
}

void report_start(const config::settings& of, const log& out) {
    const budget::fleet fleet = config::fleet_of(of, instance_count(1));
    out.info("connections that this instance can open at most",
             {{"redis", sum_text(budget::redis_demand(fleet))},
              {"postgres", sum_text(budget::postgres_demand(fleet))}});
}

}  // namespace headroom::chat
