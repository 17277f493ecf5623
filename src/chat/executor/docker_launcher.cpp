// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/docker_launcher.hpp"

#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "chat/executor/core/docker_arguments.hpp"
#include "chat/executor/core/error_tail.hpp"
#include "chat/executor/execution_json.hpp"
#include "chat/executor/piped_child.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

constexpr auto kill_patience = std::chrono::seconds(2);

// What it takes to call docker once more about a container.
struct docker_program {
    asio::any_io_executor loop;
    child_reaper& reaper;
    std::string path;
    std::vector<std::string> environment;
    clock::duration command_time_max;

    [[nodiscard]] result<std::unique_ptr<piped_child>> start(
        std::vector<std::string> arguments) const {
        return piped_child::start(loop, reaper,
                                  {.program = path,
                                   .arguments = std::move(arguments),
                                   .environment = environment,
                                   .line_bytes_max = report_bytes_max});
    }
    // True when it ended in time with exit code 0.
    [[nodiscard]] asio::awaitable<bool> call(std::vector<std::string> arguments) const {
        const auto called = start(std::move(arguments));
        if (!called) co_return false;
        (*called)->close_input();
        const bool ended = co_await (*called)->wait(clock::now() + command_time_max);
        co_return ended && *(*called)->status() == 0;
    }
};

class container_executor final : public launched_executor {
public:
    container_executor(docker_program docker, container_plan plan, std::unique_ptr<piped_child> run)
        : docker_(std::move(docker)), plan_(std::move(plan)), run_(std::move(run)) {}

    asio::awaitable<result<void>> send_line(std::string line, deadline by) override {
        return run_->send_line(std::move(line), by);
    }
    asio::awaitable<result<std::optional<std::string>>> next_line(deadline by) override {
        return run_->next_line(by);
    }
    asio::awaitable<std::string> finish(deadline by) override;

private:
    [[nodiscard]] asio::awaitable<void> end_container();
    [[nodiscard]] std::string describe_end() const;

    docker_program docker_;
    container_plan plan_;
    std::unique_ptr<piped_child> run_;  // docker run, attached to the container
};

asio::awaitable<std::string> container_executor::finish(deadline by) {
    run_->close_input();
    const bool ended = co_await run_->wait(by);
    // A docker that was killed may have left its container behind.
    const bool is_lost = ended && WIFSIGNALED(*run_->status());
    if (!ended || is_lost) co_await end_container();
    if (!run_->status()) {
        run_->kill();
        (void)co_await run_->wait(clock::now() + kill_patience);
    }
    co_return describe_end();
}

asio::awaitable<void> container_executor::end_container() {
    const bool killed = co_await docker_.call(docker_kill_arguments(plan_));
    // Then docker run ends by itself, and its --rm removes the container.
    const bool ended = killed && co_await run_->wait(clock::now() + kill_patience);
    if (ended && !WIFSIGNALED(*run_->status())) co_return;
    (void)co_await docker_.call(docker_remove_arguments(plan_));
    (void)co_await run_->wait(clock::now() + kill_patience);
}

std::string container_executor::describe_end() const {
    if (!run_->status()) return "does not end, although it was killed";
    const int status = *run_->status();
    const auto refused =
        WIFEXITED(status) ? explain_docker_refusal(WEXITSTATUS(status), run_->error_tail(), plan_)
                          : std::nullopt;
    return with_error_tail(refused ? *refused : describe_status(status), run_->error_tail());
}

}  // namespace

docker_launcher::docker_launcher(asio::any_io_executor loop, child_reaper& reaper,
                                 docker_options options)
    : loop_(std::move(loop)), reaper_(reaper), options_(std::move(options)) {}

void docker_launcher::prepare(execution_request& what) const {
    what.is_in_container = true;
}

result<std::unique_ptr<launched_executor>> docker_launcher::launch(const execution_request& what) {
    docker_program docker{.loop = loop_,
                          .reaper = reaper_,
                          .path = options_.program,
                          .environment = options_.environment,
                          .command_time_max = options_.command_time_max};
    container_plan plan{.image = options_.image,
                        .network = options_.network,
                        .service = options_.service,
                        .execution_id = what.execution_id,
                        .limits = what.limits};
    auto run = docker.start(docker_run_arguments(plan));
    if (!run) return std::unexpected(run.error());
    return std::make_unique<container_executor>(std::move(docker), std::move(plan),
                                                std::move(*run));
}

}  // namespace headroom::chat
