// SPDX-License-Identifier: Apache-2.0
// The worker's shared pools, threads and executors as one bundle uses them: whatever it takes is
// counted under its label, `bundle:<name>`. No pool is made here.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/sdk/comm_spec.hpp"
#include "postgres/postgres_pool.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"

namespace headroom::chat {

class blocking_threads;
class executor_service;

// What an execution of this worker is given, whichever bundle asks.
struct executor_access {
    executor_service& service;
    comm_spec comm;  // without the turn's ids
    execution_limits limits;
    bool may_run_unsandboxed = false;
};

// What a worker has for all its bundles. All of it outlives them.
struct worker_services {
    redis::client& async;
    redis::client& async_decode;
    redis::blocking_client& sync;
    postgres::postgres_pool& pg;
    blocking_threads& threads;
    const executor_access* executors = nullptr;  // none unless CHAT_BUNDLES names `code`
};

// For a thread: the blocking pool, and how this bundle calls it.
struct blocking_services {
    redis::blocking_client& sync;
    redis::call call;
};

class bundle_services {
public:
    bundle_services(const worker_services& of, std::string_view bundle_name);

    redis::client& async;         // bytes
    redis::client& async_decode;  // checked text
    postgres::postgres_pool& pg;
    blocking_threads& threads;
    const executor_access* const executors;

    // What each use of a pool takes: the label and the deadline.
    [[nodiscard]] redis::call async_call(deadline by) const { return {async_owner_, by}; }
    [[nodiscard]] redis::call async_decode_call(deadline by) const { return {decode_owner_, by}; }
    [[nodiscard]] postgres::call pg_call(deadline by) const { return {pg_owner_, by}; }
    [[nodiscard]] blocking_services blocking(deadline by) const {
        return {sync_, {sync_owner_, by}};
    }

private:
    redis::blocking_client& sync_;
    pool::owner_id async_owner_;
    pool::owner_id decode_owner_;
    pool::owner_id sync_owner_;
    pool::owner_id pg_owner_;
};

}  // namespace headroom::chat
