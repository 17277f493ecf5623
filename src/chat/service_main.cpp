// SPDX-License-Identifier: Apache-2.0
#include "chat/service_main.hpp"

#include <sys/prctl.h>

#include <csignal>
#include <iostream>
#include <utility>

#include "chat/log.hpp"
#include "chat/supervisor/start_report.hpp"
#include "chat/supervisor/supervisor.hpp"
#include "chat/worker/worker.hpp"
#include "config/worker_slot.hpp"

namespace headroom::chat {

namespace {

constexpr int bad_settings = 2;

int refuse(const config::faults& all) {
    std::cerr << config::describe_faults(all);
    return bad_settings;
}

}  // namespace

int service_main(config::sources from, bundle_registry further) {
    // A peer that went away is an error of one write, not the end of the process.
    (void)std::signal(SIGPIPE, SIG_IGN);
    // The environment holds passwords: code that a bundle runs must not read it from here.
    (void)::prctl(PR_SET_DUMPABLE, 0);

    const auto slot = config::read_worker_slot(from.variables);
    if (!slot) return refuse(slot.error());
    auto settings = config::load(from);
    if (!settings) return refuse(settings.error());
    const auto known = known_bundles(std::move(further));
    const auto faults = check_bundles(*settings, known);
    if (!faults.empty()) return refuse(faults);
    if (*slot) return worker_main(std::move(*settings), **slot, known, std::move(from.variables));

    const log out("supervisor");
    for (const std::string& warning : settings->warnings)
        out.warning(warning);
    report_start(*settings, out);
    return supervisor_main(std::move(*settings), std::move(from.variables));
}

}  // namespace headroom::chat
