// SPDX-License-Identifier: Apache-2.0
// One execution from its launch to its end: gives the order, hears the reports, and leaves nothing
// running. Not its wait for a place: executor_service.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/executor/core/report_sequence.hpp"
#include "chat/executor/execution_json.hpp"
#include "chat/executor/executor_launcher.hpp"
#include "chat/executor/executor_service.hpp"

namespace headroom::chat {

// Event loop only.
class execution_run {
public:
    execution_run(executor_launcher& launcher, execution_order order, execution_listener& to,
                  const executor_options& options);

    // Returns when the report came and the executor is gone, or with execution_failed and why it
    // did not. Once. Whoever calls ask_stop() also cancels what this awaits.
    [[nodiscard]] boost::asio::awaitable<result<ended_report>> run();

    // The program ends, its report still comes; what has not ended by `by` is killed.
    void ask_stop(deadline by);
    // Its caller is gone: nobody hears the rest.
    void forget_listener() { to_ = nullptr; }

private:
    [[nodiscard]] result<std::string> spell_order();
    [[nodiscard]] boost::asio::awaitable<result<ended_report>> talk(std::string order);
    [[nodiscard]] boost::asio::awaitable<void> send_cancel();
    // Empty until the end came.
    [[nodiscard]] result<std::optional<ended_report>> take(std::string_view line);
    [[nodiscard]] error silence(const error& why) const;
    [[nodiscard]] bool is_stopping() const { return stop_by_.has_value(); }

    executor_launcher& launcher_;
    execution_order order_;
    execution_listener* to_;  // empty: forgotten
    executor_options options_;
    report_sequence sequence_;
    std::unique_ptr<launched_executor> executor_;
    deadline read_by_;                                    // for the reports
    clock::duration patience_ = clock::duration::zero();  // for its end, after talk()
    std::optional<deadline> stop_by_;
    bool is_cancel_sent_ = false;
};

}  // namespace headroom::chat
