// SPDX-License-Identifier: Apache-2.0
#include "headroom/top/top_asker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <ctime>
#include <system_error>

#include <fmt/format.h>

#include "headroom/ask/asked.hpp"
#include "inspect/own_name.hpp"

namespace headroom::tool {
namespace {

std::string time_of_day() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    (void)::localtime_r(&now, &local);
    return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

std::optional<std::uint64_t> number(const std::optional<connection_count>& from) {
    return from ? std::optional(from->value()) : std::nullopt;
}

server_use use_of(const redis_place& at, const inspect::redis_limits& told) {
    const auto limit = told.as_budget_limit();
    server_use use{.name = "Redis",
                   .in_use = number(limit.in_use),
                   .usable = number(budget::usable(limit)),
                   .remark = "at " + at.shown()};
    if (told.rejected.value_or(0) > 0) {
        use.remark = fmt::format("{} rejected since its start, {}", *told.rejected, use.remark);
    }
    return use;
}

server_use use_of(const postgres_place& at, const inspect::postgres_limits& told) {
    const auto least = inspect::tightest(told);
    server_use use{.name = "Postgres",
                   .in_use = number(least.limit.in_use),
                   .usable = number(budget::usable(least.limit)),
                   .remark = "at " + at.shown()};
    if (least.name == "role")
        use.remark = fmt::format("limit of role {}, {}", told.role, use.remark);
    if (least.name == "database") {
        use.remark = fmt::format("limit of database {}, {}", told.database, use.remark);
    }
    return use;
}

deadline in_seconds(double seconds) {
    return clock::now() +
           std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

top_look ask_for_top(const servers& at, const top_question& what, double timeout_seconds) {
    top_look look{.asked_at = time_of_day(),
                  .servers = {},
                  .holders = {.groups = inspect::holder_groups(what.by), .findings = {}}};
    // The session that asked for the limits may take a moment to be gone.
    const auto is_wanted = [own = inspect::own_name(), &what](const inspect::holder& one) {
        return one.name != own && is_match(one, what.filter);
    };
    if (at.redis) {
        const auto by = in_seconds(timeout_seconds);
        const auto told = ask_redis_limits(*at.redis, by);
        if (told) {
            look.servers.push_back(use_of(*at.redis, *told));
            add_holders_of(look.holders, *at.redis, by, is_wanted);
        } else {
            look.holders.findings.push_back(finding_of(told.error(), *at.redis));
        }
    }
    if (at.postgres) {
        const auto by = in_seconds(timeout_seconds);
        const auto told = ask_postgres_limits(*at.postgres, by);
        if (told) {
            look.servers.push_back(use_of(*at.postgres, *told));
            add_holders_of(look.holders, *at.postgres, by, is_wanted);
        } else {
            look.holders.findings.push_back(finding_of(told.error(), *at.postgres));
        }
    }
    return look;
}

top_asker::top_asker(servers at, double timeout_seconds)
    : at_(std::move(at)), timeout_seconds_(timeout_seconds), wake_(::eventfd(0, EFD_CLOEXEC)) {
    if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

top_asker::~top_asker() {
    if (thread_.joinable()) thread_.join();
    ::close(wake_);
}

void top_asker::begin(top_question what) {
    std::packaged_task<top_look()> task(
        [this, what = std::move(what)] { return ask_for_top(at_, what, timeout_seconds_); });
    look_ = task.get_future();
    thread_ = std::thread([this, task = std::move(task)]() mutable {
        task();
        (void)::eventfd_write(wake_, 1);
    });
}

top_look top_asker::take() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(wake_, &ignored);
    thread_.join();
    return look_.get();
}

}  // namespace headroom::tool
