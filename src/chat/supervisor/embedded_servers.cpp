// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/embedded_servers.hpp"

#include <algorithm>
#include <utility>

#include "budget/demand.hpp"
#include "chat/supervisor/embedded_postgres.hpp"
#include "chat/supervisor/embedded_redis.hpp"
#include "chat/supervisor/former_run.hpp"
#include "config/capacity.hpp"
#include "config/worker_slot.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

constexpr auto redis_stop_time_min = std::chrono::seconds(3);

// Twice the workers' demand: a replacement dials while the server has not let go of the old one.
connection_count twice(const budget::amount& demand) {
    const auto counted = demand.counted();
    return connection_count(counted ? 2 * counted->value() : 0);
}

std::optional<recorded_server> recorded(const std::unique_ptr<embedded_server>& server) {
    if (!server || !server->process()) return std::nullopt;
    return recorded_server{.process = server->process()->mark(), .socket = server->plan().socket};
}

}  // namespace

embedded_servers::embedded_servers(asio::any_io_executor executor, child_reaper& reaper, log out)
    : executor_(executor), reaper_(reaper), out_(std::move(out)), tasks_(executor) {}

asio::awaitable<result<void>> embedded_servers::start(const config::settings& settings,
                                                      std::string path_variable,
                                                      std::function<void()> on_change,
                                                      deadline by) {
    on_change_ = std::move(on_change);
    if (!settings.redis.embedded && !settings.postgres.embedded) co_return result<void>();
    const auto place = default_place();
    if (!place) co_return std::unexpected(place.error());
    auto opened = data_folder::open(*place);
    if (!opened) co_return std::unexpected(opened.error());
    folder_.emplace(std::move(*opened));
    auto cleaned = co_await end_former_run(*folder_, out_, by);
    if (!cleaned) co_return cleaned;
    if (!settings.session_secret) {
        const auto kept = folder_->session_secret();
        if (!kept) co_return std::unexpected(kept.error());
        overrides_["CHAT_SESSION_SECRET"] = kept->reveal();
    }
    if (settings.redis.embedded) {
        auto started = co_await start_redis(settings, path_variable, by);
        if (!started) co_return started;
    }
    if (settings.postgres.embedded) {
        auto started = co_await start_postgres(settings, path_variable, by);
        if (!started) co_return started;
    }
    co_return result<void>();
}

asio::awaitable<result<void>> embedded_servers::start_redis(const config::settings& settings,
                                                            std::string path_variable,
                                                            deadline by) {
    const auto demand = budget::redis_demand(config::fleet_of(settings, instance_count(1)));
    auto plan = plan_redis(*folder_, path_variable, twice(demand.total));
    if (!plan) co_return std::unexpected(plan.error());
    overrides_.merge(config::embedded_redis(plan->socket));
    redis_ = std::make_unique<embedded_server>(executor_, reaper_, out_, std::move(*plan));
    auto started = co_await redis_->start(by);
    if (started) keep(redis_);
    co_return started;
}

asio::awaitable<result<void>> embedded_servers::start_postgres(const config::settings& settings,
                                                               std::string path_variable,
                                                               deadline by) {
    const auto demand = budget::postgres_demand(config::fleet_of(settings, instance_count(1)));
    auto plan = co_await plan_postgres(*folder_, reaper_, std::move(path_variable),
                                       twice(demand.total), by);
    if (!plan) co_return std::unexpected(plan.error());
    overrides_.merge(config::embedded_postgres(plan->socket, embedded_postgres_database,
                                               embedded_postgres_user));
    postgres_ = std::make_unique<embedded_server>(executor_, reaper_, out_, std::move(*plan));
    auto started = co_await postgres_->start(by);
    if (started) keep(postgres_);
    co_return started;
}

void embedded_servers::keep(const std::unique_ptr<embedded_server>& server) {
    tasks_.spawn("embedded " + server->plan().name, server->keep_alive(on_change_));
    on_change_();
}

asio::awaitable<void> embedded_servers::stop(deadline by) {
    if (postgres_) co_await postgres_->stop(by);
    // However long Postgres took, Redis has the time to write its last second of data.
    if (redis_) co_await redis_->stop(std::max(by, clock::now() + redis_stop_time_min));
    (void)co_await tasks_.join(deadline::max());
    if (folder_) folder_->forget_run();
}

void embedded_servers::kill() {
    if (postgres_) postgres_->kill();
    if (redis_) redis_->kill();
}

std::vector<embedded_view> embedded_servers::view() const {
    std::vector<embedded_view> all;
    for (const auto* server : {&redis_, &postgres_}) {
        if (!*server || !(*server)->process()) continue;
        all.push_back(
            {(*server)->plan().name, (*server)->process()->mark(), (*server)->is_ready()});
    }
    return all;
}

void embedded_servers::write_record(run_record record) const {
    if (!folder_) return;
    record.socket_folder = folder_->socket_folder();
    record.redis = recorded(redis_);
    record.postgres = recorded(postgres_);
    if (record.postgres) {
        record.postgres->database = embedded_postgres_database;
        record.postgres->user = embedded_postgres_user;
    }
    if (const auto written = folder_->write_record(record); !written)
        out_.warning("run.json cannot be written", {{"why", written.error().what()}});
}

}  // namespace headroom::chat
