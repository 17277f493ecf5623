// SPDX-License-Identifier: Apache-2.0
// A world for the pool core: virtual time, callers and a server that do anything at any moment,
// drawn from a seed. It keeps books of its own and compares them with the core's after every step.
// A failure is a seed.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include "pool/core/pool_core.hpp"

namespace {

using namespace headroom;
using namespace headroom::pool;
using std::chrono::milliseconds;
using std::chrono::seconds;
using time_point = headroom::clock::time_point;

struct invariant {
    const char* name;
    const char* says;
};
constexpr invariant within_cap{
    "within_cap", "opening + open + closing <= cap; a lowered cap is never grown past"};
constexpr invariant ends_once{"ends_once",
                              "each acquire ends exactly once: granted or one of five refusals"};
constexpr invariant first_in_first_out{"first_in_first_out",
                                       "no waiter is overtaken by a later one"};
constexpr invariant last_in_first_out{"last_in_first_out",
                                      "the idle connection used last is handed out first"};
constexpr invariant passes_on{
    "passes_on", "a grant that loses the race with its waiter goes to the next one at once"};
constexpr invariant no_idle_beside_waiter{"no_idle_beside_waiter",
                                          "an idle slot and a live waiter never coexist"};
constexpr invariant floor_holds{
    "floor_holds",
    "below the floor something is opening, or backing off; idle closing stops there"};
constexpr invariant opens_for_waiters{
    "opens_for_waiters", "a waiter with room below the cap has an open under way, or backing off"};
constexpr invariant opens_bounded{"opens_bounded", "never more opens at once than allowed"};
constexpr invariant deadline_honoured{"deadline_honoured",
                                      "nobody is timed out early or waits past the deadline"};
constexpr invariant books_agree{"books_agree",
                                "the core's sizes, owners and totals equal the world's own count"};
constexpr invariant counters_rise{"counters_rise", "no total ever falls"};
constexpr invariant closes_for_cause{"closes_for_cause",
                                     "every close has the reason the world knows of"};
constexpr invariant retires_all{"retires_all",
                                "nothing that was open when all was replaced is granted again"};
constexpr invariant drains{
    "drains", "after a drain nothing is granted or opened, and everything is gone in bounded time"};
constexpr invariant all_invariants[] = {within_cap,        ends_once,         first_in_first_out,
                                        last_in_first_out, passes_on,         no_idle_beside_waiter,
                                        floor_holds,       opens_for_waiters, opens_bounded,
                                        deadline_honoured, books_agree,       counters_rise,
                                        closes_for_cause,  retires_all,       drains};

struct broken_invariant : std::runtime_error {
    broken_invariant(const invariant& which, const std::string& what)
        : std::runtime_error(fmt::format("{} ({}): {}", which.name, which.says, what)) {}
};

void require(bool holds, const invariant& which, const std::string& what) {
    if (!holds) throw broken_invariant(which, what);
}

struct slot_order {
    bool operator()(slot_id a, slot_id b) const {
        return std::pair(a.index, a.generation) < std::pair(b.index, b.generation);
    }
};

class world {
public:
    explicit world(std::uint64_t seed) : random_(seed), limits_(draw_limits(seed)), core_(limits_) {
        for (const char* name : {"relay", "queue", "store"})
            owners_.push_back(core_.owner(name));
        cap_ = limits_.cap;
        floor_ = limits_.floor;
        step([this] { core_.tick(now_, out_); });
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i)
            one_step();
        shut_down();
    }

    [[nodiscard]] const pool_stats& stats() const { return core_.stats(); }

private:
    enum class stage { opening, idle, leased, closing, cut };
    struct socket {
        stage at = stage::opening;
        owner_id owner{};
        time_point opened{};
        time_point idle_since{};
        time_point close_by{};
        bool retired = false;  // leased when the server was replaced
        bool is_old = false;   // its lifetime was ended for it
        bool cut = false;
    };
    struct caller {
        waiter_id id;
        owner_id owner{};
        deadline by;
    };

    static limits draw_limits(std::uint64_t seed) {
        std::mt19937_64 random(seed ^ 0x9e3779b97f4a7c15ULL);
        limits l;
        if (random() % 8 != 0) l.cap = 1 + static_cast<std::uint32_t>(random() % 6);
        const auto floor_max = l.cap.value_or(4);
        l.floor = random() % 2 ? 0 : static_cast<std::uint32_t>(random() % (floor_max + 1));
        l.opens_max = 1 + static_cast<std::uint32_t>(random() % 3);
        l.waiters_max = 1 + static_cast<std::uint32_t>(random() % 12);
        l.idle_timeout = random() % 4 == 0 ? milliseconds(0) : milliseconds(500 + random() % 5000);
        l.lifetime = random() % 4 == 0 ? milliseconds(0) : milliseconds(1000 + random() % 20000);
        l.peek_interval = random() % 2 == 0 ? milliseconds(0) : milliseconds(100 + random() % 2000);
        l.backoff_first = milliseconds(20);
        l.backoff_max = milliseconds(400);
        l.close_grace = milliseconds(300);
        l.seed = seed;
        return l;
    }

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }

    // --- What may happen ---

    void one_step() {
        switch (below(16)) {
            case 0:
            case 1:
            case 2:
                return ask();
            case 3:
                return take();
            case 4:
                return give_up();
            case 5:
            case 6:
                return end_open();
            case 7:
            case 8:
            case 9:
                return give_back();
            case 10:
                return let_go();
            case 11:
                return break_idle();
            case 12:
                return stale_event();
            case 13:
                return chance(10)   ? change_size()
                       : chance(10) ? retire_all()
                       : chance(10) ? end_lifetimes()
                       : chance(30) ? open_ahead()
                                    : pass_time();
            default:
                return pass_time();
        }
    }

    void ask() {
        const auto owner = any_owner();
        const auto tag = static_cast<waiter_tag>(++tags_);
        // A deadline in the past, far away, or near.
        const auto by = chance(5) ? now_ - milliseconds(1)
                                  : now_ + milliseconds(1 + below(chance(20) ? 10'000 : 200));
        ++acquires_;
        asking_ = tag;
        asked_ = {.id = {}, .owner = owner, .by = by};
        asked_ended_ = false;
        const bool full = waiting_.size() >= limits_.waiters_max;
        step([&] { asked_.id = core_.acquire(owner, tag, by, now_, out_); });
        if (!asked_ended_) {
            require(!full, ends_once, "a waiter was queued beyond waiters_max");
            waiting_.emplace(tag, asked_);
            order_.push_back(tag);
        }
        asking_ = 0;
        check();
    }

    void take() {
        const auto owner = any_owner();
        const auto got = core_.try_acquire(owner);
        require(got.has_value() == !idle_.empty(), books_agree,
                "try_acquire disagrees about idle connections");
        if (!got) return;
        ++acquires_;
        ++granted_;
        hand_over_idle(*got, owner);
        check();
    }

    void give_up() {
        if (order_.empty()) return;
        const auto tag = order_[below(order_.size())];
        const auto id = waiting_.at(tag).id;
        cancelling_ = tag;
        bool was_waiting = false;
        step([&] { was_waiting = core_.cancel(id, now_, out_); });
        cancelling_ = 0;
        require(was_waiting && !waiting_.contains(tag), ends_once,
                "a waiting caller could not be cancelled");
        check();
        // Cancelling again, as a driver may after its grant or refusal is under way, changes
        // nothing.
        step([&] { was_waiting = core_.cancel(id, now_, out_); });
        require(!was_waiting, ends_once, "a caller was cancelled twice");
        check();
    }

    void end_open() {
        const auto slot = any_of(stage::opening);
        if (!slot) return;
        if (chance(70)) {
            auto& at = sockets_.at(*slot);
            at.opened = now_;
            at.at = stage::leased;  // opening no more; whose it is the core's actions tell
            serving_ = *slot;
            failing_since_.reset();
            step([&] { core_.opened(*slot, now_, out_); });
            settle_served(*slot, false);
        } else {
            sockets_.erase(*slot);
            failing_since_ = now_;
            const auto kind = chance(80) ? open_failure::transient : open_failure::permanent;
            step([&] { core_.open_failed(*slot, kind, now_, out_); });
        }
        check();
    }

    void give_back() {
        const auto slot = any_of(chance(5) ? stage::cut : stage::leased);
        if (!slot) return;
        const bool was_cut = sockets_.at(*slot).at == stage::cut;
        // A grant that lost the race with its waiter comes back unused, thus reusable.
        const bool lost_race = chance(20);
        const bool reusable = lost_race || chance(75);
        const bool somebody_waits = first_live_waiter() != 0;
        serving_ = *slot;
        step([&] { core_.returned(*slot, reusable, now_, out_); });
        if (was_cut) return check();
        const auto after = sockets_.find(*slot);
        const bool closed = after != sockets_.end() && after->second.at == stage::closing;
        require(reusable || closed, closes_for_cause, "a connection not proven reusable was kept");
        require(closed || !after->second.retired, retires_all,
                "a connection to the former server was kept");
        require(closed || !after->second.is_old, retires_all,
                "a connection was kept beyond its ended lifetime");
        if (lost_race && somebody_waits && !closed) {
            require(after->second.at == stage::leased && served_by_queue_, passes_on,
                    "the slot went idle");
        }
        settle_served(*slot, closed);
        check();
    }

    void let_go() {
        const auto slot = any_of(stage::closing);
        if (!slot) return;
        sockets_.erase(*slot);
        gone_.push_back(*slot);
        step([&] { core_.released_by_server(*slot, now_, out_); });
        check();
    }

    void break_idle() {
        if (idle_.empty()) return;
        const auto slot = idle_[below(idle_.size())];
        breaking_ = slot;
        step([&] { core_.broken(slot, now_, out_); });
        breaking_.reset();
        require(sockets_.at(slot).at == stage::closing, closes_for_cause,
                "a broken idle connection was kept");
        check();
    }

    // Late news about connections that are no more: must change nothing.
    void stale_event() {
        if (gone_.empty()) return;
        const auto slot = gone_[below(gone_.size())];
        step([&] {
            if (chance(50))
                core_.released_by_server(slot, now_, out_);
            else
                core_.broken(slot, now_, out_);
        });
        check();
    }

    void change_size() {
        const auto old_size = sockets_.size();
        cap_ = chance(20) ? std::nullopt
                          : std::optional<std::uint32_t>(1 + static_cast<std::uint32_t>(below(6)));
        floor_ = static_cast<std::uint32_t>(below(cap_.value_or(4) + 1));
        size_ceiling_ = old_size;
        step([this] { core_.resize(cap_, floor_, now_, out_); });
        check();
    }

    // Another server is to be used: nothing that is open now may be granted again.
    void retire_all() {
        for (auto& [slot, at] : sockets_) {
            if (at.at == stage::leased) at.retired = true;
        }
        failing_since_.reset();
        retiring_ = true;
        step([this] { core_.retire(now_, out_); });
        retiring_ = false;
        require(idle_.empty(), retires_all, "an idle connection of the former server was kept");
        for (const auto& [slot, at] : sockets_)
            require(!at.retired || at.cut, retires_all, "a lease on the former server was not cut");
        check();
    }

    // Connections are to be opened anew: nobody is disturbed, and none of now is granted again.
    void end_lifetimes() {
        for (auto& [slot, at] : sockets_) {
            if (at.at == stage::leased || at.at == stage::idle) at.is_old = true;
        }
        step([this] { core_.end_lifetimes(now_, out_); });
        require(idle_.empty() || !sockets_.at(idle_.front()).is_old, retires_all,
                "an idle connection was kept beyond its ended lifetime");
        check();
    }

    void open_ahead() {
        const bool is_served = live() > count(stage::leased) || !order_.empty();
        const auto before = sockets_.size();
        step([this] { core_.open_ahead(now_, out_); });
        require(sockets_.size() == before || !is_served, opens_bounded,
                "a connection is opened ahead of need though one is there");
        require(sockets_.size() <= before + 1, opens_bounded, "several are opened ahead of need");
        check();
    }

    // Time moves on, mostly a little, sometimes through a quiet hour. The driver ticks when the
    // core asked for it; now and then it is late, and other events come first.
    void pass_time() {
        const auto until = now_ + (!draining_ && chance(3) ? milliseconds(below(30'000))
                                                           : milliseconds(below(150)));
        while (wake_ <= until) {
            if (chance(10)) {
                now_ = std::max(now_, wake_ + milliseconds(below(20)));
                return check();
            }
            now_ = std::max(now_, wake_);
            tick();
        }
        now_ = until;
        if (chance(5)) tick();
        check();
    }

    void tick() {
        wake_ = time_point::max();
        step([this] { core_.tick(now_, out_); });
        ticked_ = true;
        check();
    }

    void shut_down() {
        const auto by = now_ + milliseconds(below(500));
        draining_ = true;
        step([&] { core_.drain(by, now_, out_); });
        check();
        for (int i = 0; i < 10'000 && !core_.is_drained(); ++i) {
            switch (below(6)) {
                case 0:
                    end_open();
                    break;
                case 1:
                    if (chance(20)) give_back();
                    break;
                case 2:
                    let_go();
                    break;
                case 3:
                    ask();
                    break;
                default:
                    pass_time();
            }
            // Opens end within their own timeout: the driver cancels them.
            if (now_ > by)
                while (any_of(stage::opening))
                    end_open();
        }
        require(core_.is_drained(), drains, "the pool never became empty");
        require(now_ < by + seconds(30), drains, "draining took too long");
        require(order_.empty(), ends_once, "somebody still waits after the drain");
        std::erase_if(sockets_, [](const auto& each) { return each.second.at == stage::cut; });
        require(sockets_.empty(), drains, "the world still has connections");
    }

    // --- What the core answers ---

    template <class Event>
    void step(Event event) {
        out_.clear();
        served_by_queue_ = false;
        event();
        for (const auto& each : out_) {
            std::visit([this](const auto& one) { this->act(one); }, each);
        }
    }

    void act(const open_connection& what) {
        require(!draining_, drains, "a connection is opened while draining");
        require(!cap_ || sockets_in_use() < *cap_, within_cap, "a connection is opened at the cap");
        require(!sockets_.contains(what.slot), books_agree, "a slot in use is opened again");
        sockets_[what.slot] = {};
        require(count(stage::opening) <= limits_.opens_max, opens_bounded, "too many opens");
    }

    void act(const grant& what) {
        require(!draining_, drains, "a connection is granted while draining");
        ++granted_;
        if (what.waiter == asking_) {
            asked_ended_ = true;
            require(order_.empty(), first_in_first_out,
                    "a newcomer was served before those who wait");
            return hand_over_idle(what.slot, asked_.owner);
        }
        const auto waiter = waiting_.find(what.waiter);
        require(waiter != waiting_.end(), ends_once, "a caller is granted who does not wait");
        require(what.waiter == first_live_waiter(), first_in_first_out,
                "the oldest live waiter was overtaken");
        require(waiter->second.by > now_, deadline_honoured, "granted at or past the deadline");
        require(serving_ && *serving_ == what.slot, books_agree,
                "granted a connection that did not become free");
        auto& at = sockets_.at(what.slot);
        at.at = stage::leased;
        at.owner = waiter->second.owner;
        served_by_queue_ = true;
        end(what.waiter);
    }

    void act(const refuse& what) {
        ++refused_[static_cast<std::size_t>(what.why)];
        caller who;
        if (what.waiter == asking_) {
            require(!asked_ended_, ends_once, "refused twice");
            asked_ended_ = true;
            who = asked_;
        } else {
            const auto waiter = waiting_.find(what.waiter);
            require(waiter != waiting_.end(), ends_once, "a caller is refused who does not wait");
            who = waiter->second;
            end(what.waiter);
        }
        switch (what.why) {
            case refusal::timeout:
                return require(who.by <= now_, deadline_honoured, "timed out early");
            case refusal::cancelled:
                return require(what.waiter == cancelling_, ends_once, "cancelled unasked");
            case refusal::queue_full:
                return require(waiting_.size() >= limits_.waiters_max, ends_once,
                               "queue_full below the bound");
            case refusal::open_failed:
                return require(failing_since_.has_value(), ends_once, "no open had failed");
            case refusal::closed:
                return require(draining_, ends_once, "closed while open");
        }
    }

    void act(const close_connection& what) {
        auto& at = sockets_.at(what.slot);
        require(at.at != stage::closing && at.at != stage::cut, closes_for_cause, "closed twice");
        const bool was_idle = at.at == stage::idle;
        if (was_idle) std::erase(idle_, what.slot);
        switch (what.why) {
            case close_reason::idle:
                require(was_idle && now_ - at.idle_since >= limits_.idle_timeout, closes_for_cause,
                        "idle too early");
                require(live() > floor_, floor_holds, "idle closing went below the floor");
                break;
            case close_reason::lifetime:
                require(at.is_old || now_ - at.opened >= limits_.lifetime / 2, closes_for_cause,
                        "retired before half its life");
                break;
            case close_reason::over_cap:
                require(cap_ && live() > *cap_, closes_for_cause,
                        "closed as over the cap, but is not");
                break;
            case close_reason::retired:
                require(was_idle ? retiring_ : at.retired, closes_for_cause, "retired unasked");
                break;
            case close_reason::went_away:
                require(breaking_ == what.slot, closes_for_cause, "went_away unasked");
                break;
            case close_reason::drained:
            case close_reason::drain_forced:
                require(draining_, closes_for_cause, "drained while open");
                break;
            case close_reason::broken:
                require(!was_idle, closes_for_cause, "an idle connection closed as broken");
                break;
        }
        ++closed_[static_cast<std::size_t>(what.why)];
        at.close_by = now_ + limits_.close_grace;
        at.at = what.why == close_reason::drain_forced ? stage::cut : stage::closing;
    }

    void act(const cut_lease& what) {
        auto& at = sockets_.at(what.slot);
        require(retiring_ && at.at == stage::leased && !at.cut, closes_for_cause,
                "a lease was cut unasked, or twice");
        at.cut = true;
    }

    void act(const abandon& what) {
        const auto at = sockets_.find(what.slot);
        require(at != sockets_.end() && now_ >= at->second.close_by, closes_for_cause,
                "abandoned early");
        ++abandoned_;
        gone_.push_back(what.slot);
        sockets_.erase(at);
    }

    void act(const peek& what) {
        require(std::ranges::find(idle_, what.slot) != idle_.end(), books_agree,
                "a connection that is not idle was to be looked at");
    }

    void act(const wake_at& what) { wake_ = what.when; }

    // --- The world's books ---

    owner_id any_owner() { return owners_[below(owners_.size())]; }

    std::optional<slot_id> any_of(stage at) {
        std::vector<slot_id> found;
        for (const auto& [slot, each] : sockets_) {
            if (each.at == at) found.push_back(slot);
        }
        if (found.empty()) return std::nullopt;
        return found[below(found.size())];
    }

    [[nodiscard]] std::size_t count(stage at) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            sockets_, [at](const auto& each) { return each.second.at == at; }));
    }
    [[nodiscard]] std::size_t sockets_in_use() const { return sockets_.size(); }
    [[nodiscard]] std::size_t live() const {
        return sockets_.size() - count(stage::closing) - count(stage::cut);
    }

    [[nodiscard]] waiter_tag first_live_waiter() const {
        for (const auto tag : order_) {
            if (waiting_.at(tag).by > now_) return tag;
        }
        return 0;
    }

    void end(waiter_tag tag) {
        waiting_.erase(tag);
        std::erase(order_, tag);
    }

    void hand_over_idle(slot_id slot, owner_id owner) {
        require(!idle_.empty() && idle_.back() == slot, last_in_first_out,
                "an idle connection used earlier was taken");
        idle_.pop_back();
        auto& at = sockets_.at(slot);
        at.at = stage::leased;
        at.owner = owner;
    }

    // A connection that became free and went to nobody is idle now.
    void settle_served(slot_id slot, bool closed) {
        serving_.reset();
        if (closed || served_by_queue_) return;
        auto& at = sockets_.at(slot);
        if (at.at == stage::closing) return;
        at.at = stage::idle;
        at.idle_since = now_;
        idle_.push_back(slot);
    }

    // --- The invariants, after every step ---

    void check() {
        const auto& core = core_.stats();
        if (cap_) {
            size_ceiling_ = std::max<std::size_t>(*cap_, std::min(size_ceiling_, sockets_in_use()));
            require(sockets_in_use() <= size_ceiling_, within_cap, "more connections than the cap");
            require(core.size() <= size_ceiling_, within_cap, "the core counts more than the cap");
        }
        require(first_live_waiter() == 0 || idle_.empty(), no_idle_beside_waiter,
                "an idle slot beside a waiter");
        require(core.opening == count(stage::opening), books_agree, "opening");
        require(core.idle == idle_.size() && core.idle == count(stage::idle), books_agree, "idle");
        require(core.leased == count(stage::leased), books_agree, "leased");
        require(core.closing == count(stage::closing) + count(stage::cut), books_agree, "closing");
        require(core.waiting == order_.size(), books_agree, "waiting");
        require(core.acquires == acquires_ && core.granted == granted_, books_agree,
                "acquires or granted");
        require(core.refused == refused_ && core.closed == closed_, books_agree,
                "refused or closed");
        require(core.abandoned == abandoned_, books_agree, "abandoned");
        std::uint64_t ended = granted_;
        for (const auto each : refused_)
            ended += each;
        require(acquires_ == ended + order_.size(), ends_once, "acquires != endings + waiting");
        check_owners();
        check_opening();
        check_deadlines();
        check_counters(core);
    }

    void check_owners() {
        for (const auto owner : owners_) {
            const auto& usage = core_.owners()[static_cast<std::size_t>(owner)];
            const auto leased = std::ranges::count_if(sockets_, [&](const auto& each) {
                return each.second.at == stage::leased && each.second.owner == owner;
            });
            const auto waiting = std::ranges::count_if(
                waiting_, [&](const auto& each) { return each.second.owner == owner; });
            require(usage.leased == leased && usage.waiting == waiting, books_agree,
                    "of owner " + usage.name);
        }
    }

    void check_opening() {
        if (draining_ || (cap_ && sockets_in_use() >= *cap_)) return;
        if (wake_ <= now_) return;  // the driver is late
        // One tick after the longest back-off a try must be under way.
        const bool may_back_off =
            failing_since_ && now_ <= *failing_since_ + limits_.backoff_max + milliseconds(20);
        const bool under_way = count(stage::opening) > 0 || may_back_off;
        require(live() >= floor_ || under_way, floor_holds,
                "below the floor, and nothing is opening");
        require(order_.empty() || under_way, opens_for_waiters,
                "somebody waits, there is room, and nothing is opening");
    }

    void check_deadlines() {
        for (const auto& [tag, each] : waiting_) {
            require(wake_ <= each.by, deadline_honoured,
                    "no wake was asked for a waiter's deadline");
        }
        if (!std::exchange(ticked_, false)) return;
        for (const auto& [tag, each] : waiting_) {
            require(each.by > now_, deadline_honoured, "a waiter is left past its deadline");
        }
    }

    void check_counters(const pool_stats& core) {
        const bool fell =
            core.acquires < before_.acquires || core.granted < before_.granted ||
            core.opened < before_.opened || core.opens_failed < before_.opens_failed ||
            core.opens_started < before_.opens_started || core.abandoned < before_.abandoned;
        require(!fell, counters_rise, "a total fell");
        require(core.opens_started == core.opened + core.opens_failed + core.opening, counters_rise,
                "opens started != opened + failed + opening");
        before_ = core;
    }

    std::mt19937_64 random_;
    const limits limits_;
    pool_core core_;
    std::vector<owner_id> owners_;
    std::optional<std::uint32_t> cap_;
    std::uint32_t floor_ = 0;
    std::size_t size_ceiling_ = 0;

    time_point now_{seconds(1'000)};
    time_point wake_ = time_point::max();
    actions out_;
    bool ticked_ = false;
    bool draining_ = false;

    std::map<slot_id, socket, slot_order> sockets_;
    std::vector<slot_id> idle_;  // used last at the back
    std::vector<slot_id> gone_;
    std::optional<time_point> failing_since_;
    std::optional<slot_id> serving_;
    std::optional<slot_id> breaking_;
    bool retiring_ = false;
    bool served_by_queue_ = false;

    waiter_tag tags_ = 0;
    waiter_tag asking_ = 0;
    caller asked_{};
    bool asked_ended_ = false;
    waiter_tag cancelling_ = 0;
    std::map<waiter_tag, caller> waiting_;
    std::deque<waiter_tag> order_;

    std::uint64_t acquires_ = 0;
    std::uint64_t granted_ = 0;
    std::uint64_t abandoned_ = 0;
    std::array<std::uint64_t, refusal_kinds> refused_{};
    std::array<std::uint64_t, close_reason_kinds> closed_{};
    pool_stats before_{};
};

// What the histories reached: a check of something that never happens proves nothing.
struct coverage {
    std::map<std::string, std::uint64_t> counts;

    void add(const pool_stats& of) {
        counts["granted"] += of.granted;
        for (std::size_t i = 0; i < refusal_kinds; ++i) {
            counts[fmt::format("refused: {}", to_string(static_cast<refusal>(i)))] += of.refused[i];
        }
        for (std::size_t i = 0; i < close_reason_kinds; ++i) {
            counts[fmt::format("closed: {}", to_string(static_cast<close_reason>(i)))] +=
                of.closed[i];
        }
        counts["opened"] += of.opened;
        counts["opens failed"] += of.opens_failed;
        counts["abandoned"] += of.abandoned;
    }

    // False when something never happened.
    bool print() const {
        bool complete = true;
        fmt::print("What happened:\n");
        for (const auto& [what, times] : counts) {
            fmt::print("  {:<22} {}\n", what, times);
            complete = complete && times > 0;
        }
        return complete;
    }
};

// True when the seed held.
bool run(std::uint64_t seed, int steps, coverage& reached) {
    try {
        world each(seed);
        each.run(steps);
        reached.add(each.stats());
        return true;
    } catch (const broken_invariant& broken) {
        fmt::print(stderr, "seed {} broke {}\nreplay: ./dev sim --seed {}\n", seed, broken.what(),
                   seed);
        return false;
    }
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Runs the pool core through seeded histories and checks every invariant after every step."};
    std::uint64_t seeds = 100'000;
    std::uint64_t from = 1;
    std::optional<std::uint64_t> one;
    int steps = 200;
    app.add_option("--seeds", seeds, "how many seeds (default 100000)")->check(CLI::PositiveNumber);
    app.add_option("--from", from, "the first seed (default 1)");
    app.add_option("--seed", one, "replay this one seed");
    app.add_option("--steps", steps, "events in each history before the drain (default 200)")
        ->check(CLI::Range(1, 1'000'000));
    CLI11_PARSE(app, argc, argv);

    const auto first = one.value_or(from);
    const auto count = one ? 1 : seeds;
    coverage reached;
    for (auto seed = first; seed - first < count; ++seed) {
        if (!run(seed, steps, reached)) return 1;
    }
    const bool complete = reached.print();
    if (!complete && count >= 1'000) {
        fmt::print(stderr,
                   "something never happened: the simulation has lost a part of its world\n");
        return 1;
    }
    fmt::print("Invariants held after every step:\n");
    for (const auto& each : all_invariants)
        fmt::print("  {:<22} {}\n", each.name, each.says);
    fmt::print("{} seeds from {} on, {} events each before the drain: 0 failures\n", count, first,
               steps);
    return 0;
}
