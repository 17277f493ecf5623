// SPDX-License-Identifier: Apache-2.0
// What answers a turn: the interface that a bundle implements, and what it works with. How one is
// registered is in bundle_definition.hpp; docs/bundles.md walks through an example.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/bundles/bundle_services.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/sdk/step_event.hpp"

namespace headroom::chat {

struct bundle_request {
    std::string turn_id;
    std::string conversation_id;
    std::string session_id;
    std::string text;  // well-formed UTF-8, as the person sent it
};

// Where a bundle's answer goes, piece by piece. Event loop only.
class answer_stream {
public:
    answer_stream() = default;
    answer_stream(const answer_stream&) = delete;
    answer_stream& operator=(const answer_stream&) = delete;
    virtual ~answer_stream() = default;

    // Never waits for Redis: pieces that gather while it is slow go out together. turn_stopped and
    // answer_too_long mean: end now. Only well-formed UTF-8 without NUL.
    [[nodiscard]] virtual result<void> write(std::string_view text) = 0;
    // Shown beside the answer, not part of it: what goes on. A later step of the same name takes
    // the place of an earlier one. Best effort: beyond a bound the oldest are dropped.
    virtual void show(step what) = 0;
    [[nodiscard]] virtual bool is_stopped() const = 0;
};

// One turn, as a bundle is handed it. `answer` lives until handle() has ended.
struct bundle_turn {
    bundle_request request;
    answer_stream& answer;
    deadline by;
};

class bundle {
public:
    bundle() = default;
    bundle(const bundle&) = delete;
    bundle& operator=(const bundle&) = delete;
    virtual ~bundle() = default;

    // On the event loop: never block it. Many turns run at the same time. The answer is what was
    // written; an error ends the turn as `error`, and its detail goes to the log, not to the
    // person. A turn that is stopped cancels the coroutine: end soon. Holds no connection while it
    // waits for anything but that connection's server.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> handle(
        bundle_turn turn, const bundle_services& services) = 0;
};

// For code that blocks: runs on a thread of the worker, with the `sync` pool, and answers at once.
using blocking_handler =
    std::function<result<std::string>(const bundle_request&, const blocking_services&)>;
[[nodiscard]] std::unique_ptr<bundle> make_blocking_bundle(blocking_handler handler);

}  // namespace headroom::chat
