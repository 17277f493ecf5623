// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/child_launcher.hpp"

#include <utility>

#include "chat/executor/core/error_tail.hpp"
#include "chat/executor/execution_json.hpp"
#include "chat/executor/piped_child.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

constexpr auto kill_patience = std::chrono::seconds(2);

class child_executor final : public launched_executor {
public:
    explicit child_executor(std::unique_ptr<piped_child> child) : child_(std::move(child)) {}

    asio::awaitable<result<void>> send_line(std::string line, deadline by) override {
        return child_->send_line(std::move(line), by);
    }
    asio::awaitable<result<std::optional<std::string>>> next_line(deadline by) override {
        return child_->next_line(by);
    }
    asio::awaitable<std::string> finish(deadline by) override;

private:
    std::unique_ptr<piped_child> child_;
};

asio::awaitable<std::string> child_executor::finish(deadline by) {
    child_->close_input();
    bool ended = co_await child_->wait(by);
    if (!ended) {
        child_->kill();
        ended = co_await child_->wait(clock::now() + kill_patience);
    }
    if (!child_->status()) co_return "does not end, although it was killed";
    co_return with_error_tail(describe_status(*child_->status()), child_->error_tail());
}

}  // namespace

child_launcher::child_launcher(asio::any_io_executor loop, child_reaper& reaper,
                               std::string program, std::vector<std::string> environment)
    : loop_(std::move(loop)),
      reaper_(reaper),
      program_(std::move(program)),
      environment_(std::move(environment)) {}

void child_launcher::prepare(execution_request& what) const {
    what.is_in_container = false;
}

result<std::unique_ptr<launched_executor>> child_launcher::launch(
    const execution_request& /*what*/) {
    auto child = piped_child::start(loop_, reaper_,
                                    {.program = program_,
                                     .arguments = {"chat-executor"},
                                     .environment = environment_,
                                     .line_bytes_max = report_bytes_max});
    if (!child) return std::unexpected(child.error());
    return std::make_unique<child_executor>(std::move(*child));
}

}  // namespace headroom::chat
