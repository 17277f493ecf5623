// SPDX-License-Identifier: Apache-2.0
// Whether the reports of one execution come in an order and amount that make sense: an executor
// that does not keep it is not to be trusted further. Not their spelling: execution_json.
#pragma once

#include <cstdint>
#include <string>

#include "chat/executor/core/execution.hpp"

namespace headroom::chat {

class report_sequence {
public:
    explicit report_sequence(const execution_limits& within);

    // Empty when it may come now; else what is wrong, for people: "it reported its start twice".
    [[nodiscard]] std::string on_report(const execution_report& one);

    [[nodiscard]] bool is_started() const { return is_started_; }
    [[nodiscard]] bool is_ended() const { return is_ended_; }

private:
    std::uint64_t text_bytes_max_;
    std::uint64_t text_bytes_ = 0;
    bool is_started_ = false;
    bool is_ended_ = false;
};

}  // namespace headroom::chat
