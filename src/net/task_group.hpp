// SPDX-License-Identifier: Apache-2.0
// Long-lived coroutines with a name, stopped and joined together. `detached` is for composition
// roots only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace headroom::net {

class task_group {
public:
    explicit task_group(boost::asio::any_io_executor executor);
    // Every task must have ended: join() is the way to get there.
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // An exception that escapes a task is a bug: the process ends with the task's name.
    void spawn(std::string name, boost::asio::awaitable<void> task);
    // Cancels what every task awaits now, once; a task sees it as a cancelled operation or by its
    // cancellation state.
    void request_stop();
    [[nodiscard]] bool is_stopping() const;
    // True when all have ended before `by`; running() names the rest.
    [[nodiscard]] boost::asio::awaitable<bool> join(deadline by);
    [[nodiscard]] std::vector<std::string> running() const;
    // The tasks may outlive the group: they own all they use.
    void let_go();

private:
    struct state;
    std::shared_ptr<state> state_;  // second owners: the tasks' completion handlers
};

}  // namespace headroom::net
