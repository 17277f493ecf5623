// SPDX-License-Identifier: Apache-2.0
#include "redis/core/server_reactions.hpp"

#include <array>

namespace headroom::redis {

namespace {

constexpr auto table = std::to_array<server_reaction>({
    {.word = "LOADING",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .meaning = "the server reads its data from disk after a start",
     .advice = "wait; INFO persistence tells loading_eta_seconds"},
    {.word = "BUSY",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .meaning = "a script runs for longer than busy-reply-threshold",
     .advice = "SCRIPT KILL, or SHUTDOWN NOSAVE when it has written already"},
    {.word = "READONLY",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .replaces_connections = true,
     .meaning = "the server is a replica now: its name may lead to another one",
     .advice = "let the name or the sentinels lead to the primary"},
    {.word = "MASTERDOWN",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .replaces_connections = true,
     .meaning = "the server is a replica without its primary and answers nothing stale",
     .advice = "look at the primary; replica-serve-stale-data decides what replicas answer"},
    {.word = "NOREPLICAS",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .meaning = "fewer replicas than min-replicas-to-write follow the primary",
     .advice = "look at the replicas, or at a network that has parted them from the primary"},
    {.word = "TRYAGAIN",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .meaning = "the keys are being moved between nodes of a cluster",
     .advice = "wait until the resharding has ended"},
    {.word = "CLUSTERDOWN",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .meaning = "the cluster serves nothing, or not this slot",
     .advice = "CLUSTER INFO on a node; Redis Cluster is not supported"},
    {.word = "NOAUTH",
     .result = outcome::refused,
     .retry = retry_rule::on_another,
     .replaces_connections = true,
     .meaning = "the connection is not, or no longer, authenticated",
     .advice = "give the client a user and password"},
    {.word = "OOM",
     .result = outcome::refused,
     .meaning = "the server is at maxmemory and may evict nothing",
     .advice = "raise maxmemory, or look for keys without a bound"},
    {.word = "MISCONF",
     .result = outcome::refused,
     .meaning = "the server cannot write to its disk and takes no writes until it can",
     .advice = "look at the disk and at the server's log"},
    {.word = "MOVED",
     .result = outcome::refused,
     .meaning = "the server is a node of a cluster, and another one has the key",
     .advice = "Redis Cluster is not supported: give the address of a single server"},
    {.word = "ASK",
     .result = outcome::refused,
     .meaning = "the server is a node of a cluster, and another one takes the key over",
     .advice = "Redis Cluster is not supported: give the address of a single server"},
    {.word = "ERR max number of clients reached",
     .result = outcome::refused,
     .retry = retry_rule::with_backoff,
     .pool_backs_off = true,
     .meaning = "the server has as many connections as maxclients",
     .advice = "`headroom holders` shows who has them; `headroom raise` how to allow more"},
    {.word = "DENIED",
     .result = outcome::refused,
     .pool_backs_off = true,
     .meaning = "the server is in protected mode and takes no connections from elsewhere",
     .advice = "give the server a password, or bind it to where its clients are"},
    {.word = "WRONGPASS",
     .meaning = "user or password are wrong, or the user is disabled",
     .advice = "mend the credentials; they are asked for again at the next dial"},
    {.word = "NOPERM",
     .meaning = "the ACL user may not run this command or touch this key or channel",
     .advice = "ACL DRYRUN tells what is missing"},
    {.word = "NOSCRIPT",
     .meaning = "the server does not know the script: it was started or flushed meanwhile",
     .advice = "nothing: scripts are sent again by themselves"},
    {.word = "EXECABORT",
     .meaning = "the transaction was discarded because one of its commands was refused",
     .advice = "look at the error of that command"},
    {.word = "UNBLOCKED",
     .meaning = "somebody ended the blocking command with CLIENT UNBLOCK ... ERROR",
     .advice = "nothing, or ask who did"},
    {.word = "CROSSSLOT",
     .meaning = "the keys of the command are in different slots of a cluster",
     .advice = "Redis Cluster is not supported; give keys of one command one hash tag"},
    {.word = "NOPROTO",
     .meaning = "the server does not speak the protocol version asked for",
     .advice = "nothing: RESP2 is tried by itself"},
});

bool begins_with_word(std::string_view message, std::string_view word) {
    return message.starts_with(word) &&
           (message.size() == word.size() || message[word.size()] == ' ');
}

bool arose_in_script(std::string_view message) {
    return message.contains("on @user_script") || message.contains("@user_function");
}

}  // namespace

const server_reaction* reaction_to(std::string_view message) noexcept {
    for (const auto& each : table) {
        if (begins_with_word(message, each.word)) return &each;
    }
    return nullptr;
}

bool condemns_connection(std::string_view message) noexcept {
    const auto* reaction = reaction_to(message);
    return reaction != nullptr && reaction->replaces_connections;
}

std::span<const server_reaction> all_reactions() noexcept {
    return table;
}

outcome outcome_of_message(std::string_view message) noexcept {
    if (arose_in_script(message)) return outcome::server_error;
    const auto* reaction = reaction_to(message);
    return reaction == nullptr ? outcome::server_error : reaction->result;
}

}  // namespace headroom::redis
