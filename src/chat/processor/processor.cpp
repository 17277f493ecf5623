// SPDX-License-Identifier: Apache-2.0
#include "chat/processor/processor.hpp"

#include <algorithm>
#include <list>
#include <utility>

#include "base/assert.hpp"
#include "chat/core/backoff.hpp"
#include "chat/processor/turn_run.hpp"
#include "net/event.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
using std::chrono::seconds;

namespace {
constexpr auto call_time_max = seconds(5);
constexpr auto tell_time_max = seconds(15);
constexpr std::chrono::milliseconds idle_processor_max = std::chrono::minutes(10);

// An owner renews as soon as the store answers it again, and may have been about to when it went
// away: within this gap nobody who lives has been silent for silence_max.
clock::duration longest_gap(const processor_options& options) {
    return options.silence_max - 2 * options.renew_interval;
}
}  // namespace

// Event loop only. Its coroutines run in `tasks`, which stop() joins before the state can go.
struct processor::state {
    state(const asio::any_io_executor& on, chat_store& records, turn_queue& waiting,
          chat_relay_communicator& events, bundle_shelf& shelf, processor_options given)
        : options(std::move(given)),
          store(records),
          queue(waiting),
          publisher(events),
          store_outages(options.calm_time, longest_gap(options)),
          tools{.executor = on,
                .store = records,
                .queue = waiting,
                .publisher = events,
                .bundles = shelf,
                .options = options,
                .stats = stats,
                .store_outages = store_outages},
          tasks(on),
          woken(on),
          renewal_wanted(on),
          stopping(on),
          idle(on) {
        idle.set();
    }

    [[nodiscard]] bool is_running(const std::string& turn_id) const;
    void note_store(bool is_reached);
    void note_queue(const error* why);

    asio::awaitable<void> keep_claiming();
    asio::awaitable<bool> claim_free();
    asio::awaitable<void> run_turn(std::shared_ptr<turn_run> turn);
    asio::awaitable<void> keep_renewing();
    asio::awaitable<void> renew();
    asio::awaitable<void> renew_owned();
    asio::awaitable<void> keep_sweeping();
    asio::awaitable<void> sweep();
    asio::awaitable<void> enqueue_waiting();
    asio::awaitable<void> interrupt_abandoned(deadline by);

    // Fixed at construction.
    processor_options options;
    chat_store& store;
    turn_queue& queue;
    chat_relay_communicator& publisher;

    processor_stats stats;
    outage_guard store_outages;
    turn_tools tools;
    net::task_group tasks;
    net::event woken;
    net::event renewal_wanted;
    net::event stopping;
    net::event idle;                            // no turn runs
    std::list<std::shared_ptr<turn_run>> runs;  // second owner: the turn's task
    std::uint64_t claims = 0;
    bool is_queue_away = false;
};

bool processor::state::is_running(const std::string& turn_id) const {
    return std::ranges::any_of(runs,
                               [&](const auto& each) { return each->claim().turn_id == turn_id; });
}

void processor::state::note_store(bool is_reached) {
    if (is_reached) {
        store_outages.on_success(clock::now());
    } else {
        store_outages.on_failure();
    }
}

// Said once an outage, not once a second.
void processor::state::note_queue(const error* why) {
    if (why != nullptr && !is_queue_away) tools.notice("queue_away", why->what());
    if (why == nullptr && is_queue_away) tools.notice("queue_back", "turns are claimed again");
    is_queue_away = why != nullptr;
}

asio::awaitable<void> processor::state::keep_claiming() {
    backoff pause(reinterpret_cast<std::uintptr_t>(this));
    while (!stopping.is_set()) {
        woken.reset();
        const bool reached = co_await claim_free();
        if (reached) pause.reset();
        const auto again_at = clock::now() + (reached ? options.poll_interval : pause.next());
        if (stopping.is_set()) break;
        co_await woken.wait(again_at);
    }
}

// False when the queue could not be asked.
asio::awaitable<bool> processor::state::claim_free() {
    const auto free = options.turns_max - std::min<std::size_t>(runs.size(), options.turns_max);
    if (free == 0) co_return true;
    auto claimed = co_await queue.claim(options.id, static_cast<std::uint32_t>(free),
                                        clock::now() + call_time_max);
    note_queue(claimed ? nullptr : &claimed.error());
    if (!claimed) co_return false;

    for (auto& claim : *claimed) {
        // Our own entry, come back after an outage in which we could not renew it.
        if (is_running(claim.turn_id)) continue;
        fencing_token token{.entry = claim.entry,
                            .processor = options.id + "#" + std::to_string(++claims)};
        auto turn = std::make_shared<turn_run>(tools, std::move(claim), std::move(token));
        // Claimed while the stop came: it is given back by its own run.
        if (stopping.is_set()) turn->interrupt(interruption_cause::processor_gone);
        runs.push_back(turn);
        stats.running = static_cast<std::uint32_t>(runs.size());
        idle.reset();
        tasks.spawn("turn " + turn->claim().turn_id, run_turn(turn));
    }
    co_return true;
}

asio::awaitable<void> processor::state::run_turn(std::shared_ptr<turn_run> turn) {
    co_await turn->run();
    runs.remove(turn);
    stats.running = static_cast<std::uint32_t>(runs.size());
    if (runs.empty()) idle.set();
    if (stopping.is_set()) renewal_wanted.set();  // the last one ends keep_renewing()
    woken.set();                                  // a slot is free
}

asio::awaitable<void> processor::state::keep_renewing() {
    while (!stopping.is_set() || !runs.empty()) {
        co_await renewal_wanted.wait(clock::now() + options.renew_interval);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
        // Before the servers are asked: a stop requested meanwhile is looked for once more.
        renewal_wanted.reset();
        if (!runs.empty()) co_await renew();
    }
}

// In the store first: a request to stop is heard there, also while Redis is away.
asio::awaitable<void> processor::state::renew() {
    std::vector<queue_claim> held;
    for (const auto& turn : runs)
        held.push_back(turn->claim());
    co_await renew_owned();
    [[maybe_unused]] auto renewed =
        co_await queue.renew(options.id, std::move(held), clock::now() + call_time_max);
}

asio::awaitable<void> processor::state::renew_owned() {
    std::vector<owned_turn> owned;
    const auto asked = std::vector(runs.begin(), runs.end());
    for (const auto& turn : asked)
        if (auto mine = turn->owned()) owned.push_back(std::move(*mine));
    if (owned.empty()) co_return;
    const auto sent = owned;
    auto still = co_await store.renew(std::move(owned), clock::now() + call_time_max);
    note_store(still.has_value());
    if (!still) co_return;
    for (const auto& turn : asked) {
        const auto is_this = [&](const auto& each) {
            return each.turn_id == turn->claim().turn_id;
        };
        if (std::ranges::none_of(sent, is_this)) continue;
        // Deleted, or ended by a sweeper: its end will not be recorded, so end it. (One that has
        // just recorded its end is not harmed.)
        const auto found = std::ranges::find_if(*still, is_this);
        if (found == still->end())
            turn->interrupt(interruption_cause::processor_gone);
        else if (found->is_stop_requested)
            turn->interrupt(interruption_cause::stop_requested);
    }
}

asio::awaitable<void> processor::state::keep_sweeping() {
    backoff jitter(reinterpret_cast<std::uintptr_t>(this), options.sweep_interval,
                   options.sweep_interval);
    while (!stopping.is_set()) {
        co_await sweep();
        // Jittered, so that the processors of a fleet do not sweep in step.
        const bool stopped = co_await stopping.wait(clock::now() + jitter.next());
        if (stopped) co_return;
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
    }
}

asio::awaitable<void> processor::state::sweep() {
    co_await enqueue_waiting();
    if (stopping.is_set()) co_return;
    if (const auto until = tools.may_judge_silence_until()) co_await interrupt_abandoned(*until);
    if (stopping.is_set()) co_return;
    [[maybe_unused]] auto tidied =
        co_await queue.forget_processors(idle_processor_max, clock::now() + call_time_max);
}

asio::awaitable<void> processor::state::enqueue_waiting() {
    auto waiting = co_await store.waiting_turns(options.sweep_age, clock::now() + call_time_max);
    note_store(waiting.has_value());
    if (!waiting) co_return;
    for (const auto& turn : *waiting) {
        auto queued = co_await queue.enqueue(turn.turn_id, turn_queue::admission::already_accepted,
                                             clock::now() + call_time_max);
        if (!queued) co_return;
        if (*queued == turn_queue::enqueued::added) ++stats.swept;
    }
}

asio::awaitable<void> processor::state::interrupt_abandoned(deadline by) {
    auto ended = co_await store.interrupt_abandoned(options.silence_max,
                                                    std::min(by, clock::now() + call_time_max));
    note_store(ended.has_value());
    if (!ended) co_return;
    for (auto& each : *ended) {
        tools.notice("turn_interrupted", each.turn.turn_id);
        co_await tools.tell_interrupted(std::move(each), clock::now() + tell_time_max);
    }
}

processor::processor(asio::any_io_executor executor, chat_store& store, turn_queue& queue,
                     chat_relay_communicator& publisher, bundle_shelf& bundles,
                     processor_options options)
    : state_(std::make_unique<state>(executor, store, queue, publisher, bundles,
                                     std::move(options))) {}

processor::~processor() {
    HEADROOM_ASSERT(state_->tasks.running().empty(), "processor destroyed before stop()");
}

void processor::start() {
    state_->tasks.spawn("processor: claim", state_->keep_claiming());
    state_->tasks.spawn("processor: renew", state_->keep_renewing());
    state_->tasks.spawn("processor: sweep", state_->keep_sweeping());
}

void processor::wake() {
    state_->woken.set();
}

void processor::look() {
    if (!state_->runs.empty()) state_->renewal_wanted.set();
}

void processor::hear(work_notice notice) {
    if (notice != work_notice::stop_requested) wake();
    if (notice != work_notice::turns_wait) look();
}

asio::awaitable<bool> processor::stop(deadline by) {
    auto& self = *state_;
    self.stopping.set();
    self.woken.set();
    self.renewal_wanted.set();
    // The last quarter is for ending what does not end by itself, and for telling it.
    const auto soft = by - (by - clock::now()) / 4;
    for (const auto& turn : self.runs)
        turn->hurry(by);
    const bool all_ended = co_await self.idle.wait(soft);
    if (!all_ended) {
        const auto late = std::vector(self.runs.begin(), self.runs.end());
        for (const auto& turn : late)
            turn->interrupt(interruption_cause::processor_gone);
        co_await self.idle.wait(by);
    }
    const bool nothing_left = self.runs.empty();
    self.tasks.request_stop();
    const bool joined = co_await self.tasks.join(std::max(by, clock::now() + seconds(1)));
    co_return nothing_left&& joined;
}

processor_stats processor::stats() const {
    return state_->stats;
}

}  // namespace headroom::chat
