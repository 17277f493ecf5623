// SPDX-License-Identifier: Apache-2.0
#include "fault_storm.hpp"

#include <sstream>
#include <utility>

namespace headroom::stress {

using test::fault_gate;
using test::gate_flow;
using test::toward;

fault_storm::fault_storm(test::private_redis& server, std::vector<fault_gate*> gates,
                         std::uint64_t seed)
    : server_(server), gates_(std::move(gates)), random_(seed) {
    thread_ = std::thread([this] { run(); });
}

void fault_storm::end() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    for (auto* each : gates_)
        each->heal();
}

bool fault_storm::wait(int milliseconds_max) {
    std::unique_lock lock(mutex_);
    const std::chrono::milliseconds patience(draw(milliseconds_max) + 1);
    return !changed_.wait_for(lock, patience, [this] { return is_ending_; });
}

void fault_storm::run() {
    while (wait(60)) {
        strike();
        // Most faults last for a moment; some are found by timeouts only.
        if (!wait(draw(8) == 0 ? 500 : 40)) return;
        for (auto* each : gates_)
            each->heal();
    }
}

void fault_storm::strike() {
    auto& gate = *gates_[static_cast<std::size_t>(draw(static_cast<int>(gates_.size())))];
    switch (draw(8)) {
        case 0:
        case 1:
        case 2:
            return strike_connections(gate);
        case 3:
            return kill_a_client();
        case 4:
            ++faults_["frozen server"];
            server_.suspend();
            (void)wait(60);
            return server_.resume();
        default:
            return strike_flow(gate);
    }
}

void fault_storm::strike_connections(fault_gate& gate) {
    const auto whom = draw(2) == 0 ? toward::server : toward::client;
    switch (draw(5)) {
        case 0:
            ++faults_["close"];
            return gate.close();
        case 1:
            ++faults_["half-close"];
            return gate.half_close(whom);
        case 2:
            ++faults_["refuse"];
            gate.refuse();
            return gate.cut();
        case 3:
            ++faults_["stop accepting"];
            gate.stop_accepting();
            return gate.cut();
        default:
            ++faults_["cut"];
            return gate.cut();
    }
}

void fault_storm::strike_flow(fault_gate& gate) {
    const auto whom = draw(2) == 0 ? toward::server : toward::client;
    const auto amount = static_cast<std::size_t>(draw(2000));
    switch (draw(8)) {
        case 0:
            ++faults_["delay"];
            return gate.delay(whom, std::chrono::milliseconds(draw(20)));
        case 1:
            ++faults_["pause"];
            return gate.pause(whom);
        case 2:
            ++faults_["black hole"];
            return gate.black_hole(whom);
        case 3:
            ++faults_["split"];
            return gate.split(whom, amount % 9 + 1);
        case 4:
            ++faults_["slow"];
            return gate.slow(whom, 1'000 + 100 * amount);
        case 5:
            ++faults_["close on data"];
            return gate.close_on_data(whom);
        default:
            ++faults_["limit bytes"];
            return gate.limit_bytes(whom, amount);
    }
}

void fault_storm::kill_a_client() {
    std::vector<std::string> ids;
    std::istringstream lines(server_.ask("CLIENT LIST"));
    for (std::string line; std::getline(lines, line);) {
        const auto at = line.find("id=");
        if (at != std::string::npos)
            ids.push_back(line.substr(at + 3, line.find(' ', at) - at - 3));
    }
    if (ids.empty()) return;
    ++kills_;
    (void)server_.ask("CLIENT KILL ID " +
                      ids[static_cast<std::size_t>(draw(static_cast<int>(ids.size())))]);
}

}  // namespace headroom::stress
