// SPDX-License-Identifier: Apache-2.0
#include "chat/sdk/chat_comm.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/client_name.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/relay/chat_relay_communicator.hpp"
#include "chat/sdk/step_event.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

// A server that does not let go of a connection is waited for as long, once or twice.
constexpr auto close_grace = std::chrono::milliseconds(100);
// Of close(): what is left of its time when the flush ends.
constexpr auto cut_time_max = 4 * close_grace;

// One connection, whatever happens: a cap counts one that closes, so none is dialled beside it.
redis::client_options options_of(const comm_spec& spec) {
    redis::client_options options;
    options.server = spec.server;
    options.identity = {
        .prefix = spec.name_prefix, .instance = spec.execution_id, .pid = ::getpid()};
    options.kind = std::string(pool_kind::executor);
    options.bounds.cap = 1;
    options.bounds.seed = std::hash<std::string>{}(spec.execution_id);
    options.bounds.backoff_max = std::chrono::seconds(2);
    options.bounds.close_grace = close_grace;
    options.lane_connections_max = 1;
    return options;
}

std::string missing_text(std::uint64_t events) {
    return std::to_string(events) + (events == 1 ? " event" : " events") +
           " could not be held while Redis was away.";
}

}  // namespace

struct chat_comm::state : std::enable_shared_from_this<chat_comm::state> {
    state(const asio::any_io_executor& on, comm_spec told, emit_bounds bounds)
        : loop(on),
          spec(std::move(told)),
          buffer(bounds),
          channels([this, on] { return std::make_unique<redis::client>(on, options_of(spec)); },
                   "emit"),
          tasks(on),
          changed(on) {}

    result<void> emit(outgoing_event event);
    void wake();
    asio::awaitable<void> deliver();
    void note_delivered();
    void note_failure(const error& why, bool is_final);
    asio::awaitable<bool> flush(deadline by);

    // Fixed at construction.
    asio::any_io_executor loop;
    comm_spec spec;

    // Guarded by mutex.
    mutable std::mutex mutex;
    emit_buffer buffer;
    bool is_closed = false;
    bool is_refused = false;     // by Redis, for good
    bool is_delivering = false;  // its task runs, or is about to
    std::optional<error> last_error;

    // Event loop only.
    service_communicator channels;
    std::optional<chat_relay_communicator> relay;  // from the first emit on
    net::task_group tasks;
    net::event changed;  // delivered, or refused
};

result<void> chat_comm::state::emit(outgoing_event event) {
    const std::lock_guard hold(mutex);
    if (is_closed) return failure(chat_errc::closed, "the communicator is closed");
    if (is_refused) {
        buffer.drop();
        return failure(chat_errc::closed, "Redis refuses this execution: " + last_error->what());
    }
    switch (buffer.push(std::move(event))) {
        case emit_verdict::taken:
            break;
        case emit_verdict::full:
            return failure(chat_errc::buffer_full, "Redis is away and as much is held as may be");
        case emit_verdict::too_long:
            return failure(chat_errc::text_rejected, "the event is too long");
        case emit_verdict::no_record:
            return failure(chat_errc::text_rejected, "the event is not a name and a line of text");
    }
    if (!is_delivering) {
        is_delivering = true;
        asio::post(loop, [self = shared_from_this()] { self->wake(); });
    }
    return {};
}

void chat_comm::state::wake() {
    if (tasks.is_stopping()) return;
    if (!relay) relay.emplace(loop, channels, key_space(spec.whose));
    tasks.spawn("emit", deliver());
}

// The one task that publishes: whoever finds it running leaves its events to it.
asio::awaitable<void> chat_comm::state::deliver() {
    const auto self = shared_from_this();
    for (;;) {
        std::vector<outgoing_event> batch;
        {
            const std::lock_guard hold(mutex);
            batch = buffer.take_batch();
            if (batch.empty()) is_delivering = false;
        }
        if (batch.empty()) co_return;
        // However long Redis is away it is one publication, which looks for its own traces.
        auto published =
            co_await relay->publish(spec.session_id, std::move(batch), deadline::max());
        if (!published) {
            // What is held stays undelivered. Another try could double what a script had begun.
            const auto cancellation = co_await asio::this_coro::cancellation_state;
            note_failure(published.error(),
                         cancellation.cancelled() == asio::cancellation_type::none);
            co_return;
        }
        note_delivered();
    }
}

void chat_comm::state::note_delivered() {
    {
        const std::lock_guard hold(mutex);
        const auto missing = buffer.on_delivered();
        if (missing > 0) {
            buffer.add_notice(to_event(step{.name = "Events were lost",
                                            .status = step_status::error,
                                            .text = missing_text(missing)},
                                       {spec.session_id, spec.conversation_id, spec.turn_id}));
        }
    }
    changed.set();
}

void chat_comm::state::note_failure(const error& why, bool is_final) {
    {
        const std::lock_guard hold(mutex);
        last_error = why;
        is_refused = is_final;
    }
    changed.set();
}

asio::awaitable<bool> chat_comm::state::flush(deadline by) {
    const auto self = shared_from_this();
    std::uint64_t wanted = 0;
    {
        const std::lock_guard hold(mutex);
        wanted = buffer.position();
    }
    for (;;) {
        {
            const std::lock_guard hold(mutex);
            if (buffer.delivered_position() >= wanted) co_return true;
            if (is_refused || is_closed) co_return false;
        }
        changed.reset();
        const bool has_changed = co_await changed.wait(by);
        if (!has_changed) co_return false;
    }
}

chat_comm::chat_comm(asio::any_io_executor loop, comm_spec spec, emit_bounds bounds)
    : state_(std::make_shared<state>(loop, std::move(spec), bounds)) {}

chat_comm::~chat_comm() {
    HEADROOM_ASSERT(state_->tasks.running().empty(), "chat_comm destroyed before close()");
}

result<void> chat_comm::emit(outgoing_event event) {
    return state_->emit(std::move(event));
}

asio::awaitable<bool> chat_comm::flush(deadline by) {
    co_return co_await state_->flush(by);
}

asio::awaitable<void> chat_comm::close(deadline by) {
    const auto held = state_;
    const auto left = std::max(by - clock::now(), clock::duration::zero());
    const auto flush_by = by - std::min<clock::duration>(left / 4, cut_time_max);
    [[maybe_unused]] const bool is_flushed = co_await held->flush(flush_by);
    {
        const std::lock_guard hold(held->mutex);
        held->is_closed = true;
    }
    held->tasks.request_stop();
    // Cancelled, it ends in the next turns of the loop.
    [[maybe_unused]] const bool joined = co_await held->tasks.join(clock::now() + cut_time_max);
    if (!held->relay) co_return;
    co_await held->relay->stop(clock::now() + close_grace);
    // Nothing of ours is outstanding any more, so the time is the server's to let go.
    [[maybe_unused]] const auto closed = co_await held->channels.close(clock::now() + close_grace);
}

emit_stats chat_comm::stats() const {
    const std::lock_guard hold(state_->mutex);
    return state_->buffer.stats();
}

std::optional<error> chat_comm::last_error() const {
    const std::lock_guard hold(state_->mutex);
    return state_->last_error;
}

const comm_spec& chat_comm::spec() const {
    return state_->spec;
}

}  // namespace headroom::chat
