// SPDX-License-Identifier: Apache-2.0
// What answers a turn. A bundle holds no connection across its run: it uses the worker's pools
// through its services, call by call.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/chat_error.hpp"
#include "postgres/postgres_pool.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"

namespace headroom::chat {

struct bundle_request {
    std::string turn_id;
    std::string conversation_id;
    std::string session_id;
    std::string text;
};

// Where a bundle's answer goes, piece by piece.
class answer_stream {
public:
    answer_stream() = default;
    answer_stream(const answer_stream&) = delete;
    answer_stream& operator=(const answer_stream&) = delete;
    virtual ~answer_stream() = default;
    // Never waits for Redis: pieces that gather while it is slow go out together. turn_stopped and
    // answer_too_long mean: end now.
    [[nodiscard]] virtual result<void> write(std::string_view text) = 0;
    [[nodiscard]] virtual bool is_stopped() const = 0;
};

class blocking_threads;

// The worker's shared pools and threads; a bundle names itself as owner `bundle:<name>`.
struct bundle_services {
    redis::client& async;
    redis::client& async_decode;
    redis::blocking_client& sync;
    postgres::postgres_pool& pg;
    blocking_threads& threads;
};

class bundle {
public:
    bundle() = default;
    bundle(const bundle&) = delete;
    bundle& operator=(const bundle&) = delete;
    virtual ~bundle() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    // On the event loop. The answer is what was written; an error ends the turn as `error`.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> handle(bundle_request request,
                                                                      answer_stream& answer,
                                                                      deadline by) = 0;
};

// A bundle that CHAT_BUNDLES may name, and how a worker makes its own one of it.
struct bundle_recipe {
    std::string name;
    std::function<std::unique_ptr<bundle>(bundle_services)> make;
};

// The bundles of a worker by name, and which one answers a text: `/name ...` asks for the bundle of
// that name, everything else goes to the first of CHAT_BUNDLES.
class bundle_shelf {
public:
    // Of echo, clock and `further` ones. A name nobody knows is an error that lists the known
    // ones. `clock` is always on the shelf: it costs nothing until it is asked for.
    [[nodiscard]] static result<bundle_shelf> make(const std::vector<std::string>& names,
                                                   bundle_services services,
                                                   std::vector<bundle_recipe> further = {});

    [[nodiscard]] static bundle_shelf of(std::vector<std::unique_ptr<bundle>> bundles);

    [[nodiscard]] bundle& choose(std::string_view text) const;

private:
    std::vector<std::unique_ptr<bundle>> bundles_;
};

}  // namespace headroom::chat
