// SPDX-License-Identifier: Apache-2.0
#include "redis/core/sentinel_watch.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace headroom::redis {

namespace {

constexpr std::string_view switch_channel = "+switch-master";
constexpr std::size_t host_bytes_max = 253;
// An address that cannot be reached is asked for again of the same sentinel, which hears of a
// failover first when it is told at all; then another one is asked.
constexpr std::uint32_t repeats_max = 2;

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<host_and_port> address_of(std::string_view host, std::string_view port) {
    const auto number = number_of<std::uint16_t>(port);
    const bool is_host = !host.empty() && host.size() <= host_bytes_max &&
                         std::ranges::all_of(host, [](char c) { return c > ' ' && c <= '~'; });
    if (!is_host || !number || *number == 0) return std::nullopt;
    return host_and_port{std::string(host), *number};
}

// Fields of one instance: a map, or in RESP2 an array of the same words.
std::string_view field_of(const value& fields, std::string_view name) {
    for (std::size_t i = 0; i + 1 < fields.items.size(); i += 2) {
        if (fields.items[i].text == name) return fields.items[i + 1].text;
    }
    return {};
}

std::string refusal_of(const value& told) {
    return told.is_error() ? printable_excerpt(told.text) : "its answer makes no sense";
}

}  // namespace

sentinel_watch::sentinel_watch(sentinel_watch_options options)
    : options_(std::move(options)), jitter_(options_.seed) {
    HEADROOM_ASSERT(!options_.sentinels.empty(), "there is a sentinel to ask");
    for (const auto& each : options_.sentinels)
        candidates_.push_back({.where = each});
}

// --- Dials of the primary ---

void sentinel_watch::on_wanted() {
    is_wanted_ = true;
    // Who does not stay hears of no failover, so what it was told once is old by now.
    if (!options_.stays) is_sure_ = false;
}

void sentinel_watch::on_dial_ended(const host_and_port& where, dial_end how,
                                   clock::time_point now) {
    if (where != primary_) return;
    if (how == dial_end::entered) {
        doubted_.reset();
        repeats_ = 0;
        doubts_in_a_row_ = 0;
        return;
    }
    // Told before this dial failed, so no answer to the doubt.
    if (told_ == where) told_.reset();
    if (doubted_ != where) repeats_ = 0;
    doubted_ = where;
    if (how == dial_end::no_primary) repeats_ = repeats_max;  // the server itself says so
    if (!is_sure_) return;                                    // it is being asked for already
    is_sure_ = false;
    is_wanted_ = true;
    not_before_ = doubts_in_a_row_ == 0 ? now : std::max(not_before_, now + backoff());
    ++doubts_in_a_row_;
}

// --- The sentinel's connection ---

void sentinel_watch::on_connected(int protocol) {
    HEADROOM_ASSERT(phase_ == phase::dialling, "on_connected() answers a dial");
    phase_ = phase::connected;
    protocol_ = protocol;
    has_asked_all_ = false;
}

void sentinel_watch::on_disconnected(std::string why, clock::time_point now) {
    const bool is_done = phase_ == phase::hanging_up && leaving_why_.empty();
    if (phase_ == phase::hanging_up) why = leaving_why_;
    leaving_why_.clear();
    phase_ = phase::idle;
    due_.clear();
    told_.reset();
    if (is_done) return;

    repeats_ = 0;
    is_sure_ = false;
    if (options_.stays) is_wanted_ = is_wanted_ || primary_.has_value();
    candidates_[position_].reason = std::move(why);
    position_ = (position_ + 1) % candidates_.size();
    if (++tried_ < candidates_.size()) return;
    tried_ = 0;
    ++failed_rounds_;
    // All of them know an older configuration, as after SENTINEL RESET: it is the newest there is.
    if (std::exchange(was_stale_, false)) epoch_.reset();
    not_before_ = now + backoff();
    ++doubts_in_a_row_;
    if (!options_.stays) is_wanted_ = false;  // whoever waits has its answer: no
}

sentinel_watch::step sentinel_watch::next(clock::time_point now) {
    switch (phase_) {
        case phase::idle:
            if (!is_wanted_) return rest{};
            if (now < not_before_) return wait{not_before_};
            phase_ = phase::dialling;
            return dial{candidates_[position_].where};
        case phase::dialling:
            return rest{};
        case phase::hanging_up:
            return hang_up{};
        case phase::connected:
            break;
    }
    if (!due_.empty()) {
        if (now < answer_by_) return wait{answer_by_};
        leave("it has not answered in time");
        return hang_up{};
    }
    send out;
    if (!std::exchange(has_asked_all_, true)) {
        ask_all(out);
    } else if (is_sure_ && !options_.stays) {
        phase_ = phase::hanging_up;
        return hang_up{};
    } else if (const auto at = is_sure_ ? ask_at_ : not_before_; now < at) {
        return wait{at};
    } else if (protocol_ == 3 || is_sure_) {
        ask_again(out);
    } else {
        // In RESP2 a subscriber may ask nothing: a new connection to the same sentinel may.
        leave({});
        return hang_up{};
    }
    answer_by_ = now + options_.answer_timeout;
    return out;
}

// Subscribed first, so that no switch falls between the answer and the subscription; RESP2 allows
// no question after it, and a switch there is noticed by the dial that fails.
void sentinel_watch::ask_all(send& to) {
    const bool subscribes_first = options_.stays && protocol_ == 3;
    if (subscribes_first) ask(to, question::subscribe);
    ask(to, question::address);
    ask(to, question::configuration);
    ask(to, question::others);
    if (options_.stays && !subscribes_first) ask(to, question::subscribe);
}

void sentinel_watch::ask_again(send& to) {
    if (protocol_ != 3) return ask(to, question::ping);
    ask(to, question::address);
    ask(to, question::configuration);
}

void sentinel_watch::ask(send& to, question what) {
    due_.push_back(what);
    switch (what) {
        case question::address:
            to.what.emplace_back("SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.primary_name);
            return;
        case question::configuration:
            to.what.emplace_back("SENTINEL", "MASTER", options_.primary_name);
            return;
        case question::others:
            to.what.emplace_back("SENTINEL", "SENTINELS", options_.primary_name);
            return;
        case question::ping:
            to.what.emplace_back("PING");
            return;
        case question::subscribe:
            to.what.emplace_back("SUBSCRIBE", switch_channel);
            return;
    }
}

// --- What it says ---

void sentinel_watch::on_value(const value& told, clock::time_point now) {
    if (phase_ != phase::connected) return;
    const auto* word = told.items.empty() ? nullptr : &told.items.front().text;
    const bool is_event = (told.kind == value_kind::push || told.is_array()) && word != nullptr;
    if (is_event && *word == "message" && told.items.size() == 3) return on_event(told);
    const bool is_confirmation = is_event && *word == "subscribe";
    if (told.kind == value_kind::push && !is_confirmation) return;
    if (due_.empty() || (is_confirmation && due_.front() != question::subscribe)) {
        return leave("it answered what nobody had asked");
    }
    const auto what = due_.front();
    due_.pop_front();
    on_answer(what, told, now);
}

void sentinel_watch::on_answer(question what, const value& told, clock::time_point now) {
    switch (what) {
        case question::address:
            if (told.is_null()) {
                return leave(fmt::format("it knows no primary named '{}'", options_.primary_name));
            }
            if (told.kind == value_kind::array && told.items.size() == 2) {
                told_ = address_of(told.items[0].text, told.items[1].text);
            }
            if (!told_) leave(refusal_of(told));
            return;
        case question::configuration:
            return judge(told, now);
        case question::others:
            if (!told.is_error()) read_others(told);
            return;
        case question::ping:
            if (told.is_error()) return leave(refusal_of(told));
            ask_at_ = now + jittered(options_.ask_interval);
            return;
        case question::subscribe:
            if (told.is_error()) leave(refusal_of(told));
            return;
    }
}

// The address has been told, and now the age of the configuration it comes from.
void sentinel_watch::judge(const value& configuration, clock::time_point now) {
    if (!told_) return;  // a dial has failed there meanwhile: next() asks again
    auto where = *std::exchange(told_, std::nullopt);
    // A sentinel that will not tell is believed without.
    const auto epoch = number_of<std::uint64_t>(field_of(configuration, "config-epoch"));
    if (epoch && epoch_ && *epoch < *epoch_) {
        was_stale_ = true;
        return leave(fmt::format("it knows configuration {}, older than {}", *epoch, *epoch_));
    }
    if (where == doubted_ && !is_sure_ && ++repeats_ > repeats_max && !is_alone()) {
        return leave(fmt::format("it says {}, which is no primary we can reach", to_string(where)));
    }
    if (epoch) epoch_ = epoch;
    believe(std::move(where));
    promote();
    ask_at_ = now + jittered(options_.ask_interval);
}

void sentinel_watch::believe(host_and_port where) {
    if (primary_ && *primary_ != where) ++moves_;
    // Another address in place of a doubted one may fail as well, and the first be told again: the
    // pauses go on growing until a dial has entered.
    if (!doubted_) doubts_in_a_row_ = 0;
    if (doubted_ != where) {
        doubted_.reset();
        repeats_ = 0;
    }
    primary_ = std::move(where);
    is_sure_ = true;
    is_wanted_ = options_.stays;
    tried_ = 0;
    was_stale_ = false;
    candidates_[position_].reason = "answered";
}

// "+switch-master <name> <old ip> <old port> <new ip> <new port>"
void sentinel_watch::on_event(const value& told) {
    if (told.items[1].text != switch_channel) return;
    std::vector<std::string_view> words;
    std::string_view rest_of_it = told.items[2].text;
    while (!rest_of_it.empty()) {
        const auto space = std::min(rest_of_it.find(' '), rest_of_it.size());
        words.push_back(rest_of_it.substr(0, space));
        rest_of_it.remove_prefix(std::min(space + 1, rest_of_it.size()));
    }
    if (words.size() != 5 || words[0] != options_.primary_name) return;
    auto where = address_of(words[3], words[4]);
    if (!where) return;
    if (told_) told_ = where;  // what was told before the switch, and not judged yet, is old
    doubted_.reset();          // a failover has ended, so the doubts before it do not count
    believe(std::move(*where));
    // The message does not tell the configuration's age: ask at once.
    ask_at_ = clock::time_point::min();
}

void sentinel_watch::read_others(const value& told) {
    const auto in_use = candidates_[position_].where;
    const auto is_configured = [this](const candidate& one) {
        return std::ranges::find(options_.sentinels, one.where) != options_.sentinels.end();
    };
    // Those told of before and not any more are gone.
    std::erase_if(candidates_,
                  [&](const candidate& one) { return !is_configured(one) && one.where != in_use; });
    for (const auto& each : told.items) {
        auto where = address_of(field_of(each, "ip"), field_of(each, "port"));
        if (!where || candidates_.size() >= options_.sentinels_max) continue;
        if (std::ranges::find(candidates_, *where, &candidate::where) != candidates_.end()) {
            continue;
        }
        candidates_.push_back({.where = std::move(*where)});
    }
    const auto at = std::ranges::find(candidates_, in_use, &candidate::where);
    position_ = static_cast<std::size_t>(at - candidates_.begin());
}

// One that answers moves to the front, and is asked first the next time.
void sentinel_watch::promote() {
    const auto at = candidates_.begin() + static_cast<std::ptrdiff_t>(position_);
    std::rotate(candidates_.begin(), at, at + 1);
    position_ = 0;
}

void sentinel_watch::leave(std::string why) {
    leaving_why_ = std::move(why);
    phase_ = phase::hanging_up;
}

// --- What is known ---

std::optional<host_and_port> sentinel_watch::primary() const {
    return is_sure_ ? primary_ : std::nullopt;
}

std::optional<host_and_port> sentinel_watch::connected_to() const {
    if (phase_ != phase::connected) return std::nullopt;
    return candidates_[position_].where;
}

std::string sentinel_watch::describe_failure() const {
    std::string text =
        fmt::format("no sentinel tells where primary '{}' is: ", options_.primary_name);
    const char* separator = "";
    for (const auto& each : candidates_) {
        text += fmt::format("{}{}: {}", separator, to_string(each.where), each.reason);
        separator = "; ";
    }
    return text;
}

// --- Times ---

clock::duration sentinel_watch::jittered(clock::duration full) {
    std::uniform_int_distribution<std::int64_t> share(full.count() / 2, full.count());
    return clock::duration(share(jitter_));
}

clock::duration sentinel_watch::backoff() {
    const auto doublings = std::min(doubts_in_a_row_, 16U);
    return jittered(std::min(options_.backoff_first * (1 << doublings), options_.backoff_max));
}

}  // namespace headroom::redis
