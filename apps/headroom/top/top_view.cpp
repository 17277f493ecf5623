// SPDX-License-Identifier: Apache-2.0
#include "headroom/top/top_view.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "base/text.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

using inspect::group_field;
using std::chrono::seconds;

constexpr std::size_t filter_bytes_max = 64;
constexpr std::size_t lines_for_one_finding = 5;  // a screen of 24 lines has room for 4

constexpr std::array<seconds, 11> intervals{seconds(1),   seconds(2),   seconds(3),  seconds(5),
                                            seconds(10),  seconds(15),  seconds(30), seconds(60),
                                            seconds(120), seconds(300), seconds(600)};

const std::vector<std::string>& help_lines() {
    static const std::vector<std::string> lines{
        "Keys",
        "  q, Ctrl-C    quit",
        "  s, S         sort by the next, the one before",
        "  r            reverse the order",
        "  g            group by something else",
        "  /            filter: a part of the name,",
        "               address, user or state;",
        "               Enter accepts, Esc clears",
        "  up, down     scroll; also j, k, PgUp,",
        "               PgDn, Home and End",
        "  space        pause, and go on",
        "  +, -         look less, more often",
        "  h, ?         this help; again: leave it",
        "",
        "AGE, IDLE and IN TX (idle in a",
        "transaction) are the longest of a group,",
        "OUTBUF is the sum of what clients have",
        "not read yet, LAST the newest command.",
        "Columns go where there is no room.",
    };
    return lines;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool has_part(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) { return lower(a) == lower(b); };
    return !std::ranges::search(text, part, same).empty() || part.empty();
}

std::string shown(const std::optional<std::uint64_t>& number) {
    return number ? fmt::format("{}", *number) : "?";
}

std::string names_of(const std::vector<group_field>& fields) {
    std::string text;
    for (const auto field : fields)
        text += fmt::format("{}{}", text.empty() ? "" : ",", to_string(field));
    return text;
}

// The first is what the command was started with.
std::vector<std::vector<group_field>> groupings_from(const std::vector<group_field>& first) {
    using enum group_field;
    std::vector<std::vector<group_field>> all{{service, kind}, {service, instance, process, kind},
                                              {address},       {user},
                                              {state},         {service, instance}};
    const auto at = std::ranges::find(all, first);
    if (at == all.end()) {
        all.insert(all.begin(), first);
    } else {
        std::ranges::rotate(all, at);
    }
    return all;
}

// At most so many columns; `right` stands at their end, when there is room for a space before it.
std::string two_sided(std::string_view left, std::string_view right, std::size_t columns) {
    const auto needed = columns_of(right) + 1;
    if (right.empty() || needed >= columns) return cut_to(left, columns);
    auto line = cut_to(left, columns - needed);
    line.append(columns - columns_of(line) - columns_of(right), ' ');
    return line + std::string(right);
}

void erase_last_character(std::string& text) {
    while (!text.empty()) {
        const bool is_tail = (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U;
        text.pop_back();
        if (!is_tail) return;
    }
}

std::vector<std::string> too_small(screen_size size) {
    const auto text =
        fmt::format("headroom top needs {} x {}, this is {} x {}", screen_size_min.columns,
                    screen_size_min.lines, size.columns, size.lines);
    std::vector<std::string> lines;
    for (const auto& line : lines_of(wrap(text, size.columns, 0)))
        if (lines.size() < size.lines) lines.push_back(cut_to(line, size.columns));
    return lines;
}

}  // namespace

bool is_match(const inspect::holder& one, std::string_view filter) {
    return has_part(one.name, filter) || has_part(one.address, filter) ||
           has_part(one.user, filter) || has_part(one.state, filter);
}

std::vector<std::string> use_lines(const std::vector<server_use>& servers, const paper& on) {
    std::size_t name_width = 0;
    std::size_t used_width = 0;
    std::size_t usable_width = 0;
    for (const auto& one : servers) {
        name_width = std::max(name_width, one.name.size());
        used_width = std::max(used_width, shown(one.in_use).size());
        usable_width = std::max(usable_width, shown(one.usable).size());
    }
    const std::size_t bar_columns = on.width < 50 ? 0 : on.width < 70 ? 12 : 22;
    std::vector<std::string> lines;
    for (const auto& one : servers) {
        const auto name = fmt::format("{:<{}}  ", one.name, name_width);
        const auto counts = fmt::format("{:>{}} of {:<{}}", shown(one.in_use), used_width,
                                        shown(one.usable), usable_width);
        std::string share;
        auto colour = ink::plain;
        if (one.in_use && one.usable) {
            const auto used = percent(*one.in_use, *one.usable);
            share = bar_columns > 0 ? fmt::format("  {} {:>3} %", bar(used, bar_columns), used)
                                    : fmt::format("  {:>3} %", used);
            colour = ink_of(judge_use(used, thresholds()));
        }
        const auto taken = name.size() + counts.size() + share.size();
        const auto remark = on.width > taken + 2 && !one.remark.empty()
                                ? "  " + cut_to(one.remark, on.width - taken - 2)
                                : std::string();
        lines.push_back(cut_painted(on.paint(name, ink::bold) + counts + on.paint(share, colour) +
                                        on.paint(remark, ink::dim),
                                    on.width));
    }
    return lines;
}

top_view::top_view(settings start)
    : now_(std::move(start)), groupings_(groupings_from(now_.question.by)) {}

// --- keys ----------------------------------------------------------------------------------------

top_view::effect top_view::on_key(const key& pressed) {
    if (pressed.name == key_name::interrupt) return effect::quit;
    if (typed_) return on_key_of_filter(pressed);
    if (scroll(pressed)) return effect::draw;
    if (pressed.name == key_name::escape) {
        if (!is_help_) return ask_for({.by = now_.question.by});
        is_help_ = false;
        offset_ = 0;
        return effect::draw;
    }
    if (pressed.name != key_name::text || pressed.text.size() != 1) return effect::draw;
    return on_character(pressed.text.front());
}

top_view::effect top_view::on_character(char pressed) {
    if (is_help_ && (pressed == 'q' || pressed == 'h' || pressed == '?')) {
        is_help_ = false;
        offset_ = 0;
        return effect::draw;
    }
    const auto next_interval = std::ranges::upper_bound(intervals, now_.interval);
    const auto this_interval = std::ranges::lower_bound(intervals, now_.interval);
    switch (pressed) {
        case 'q':
            return effect::quit;
        case 's':
            order_by(next(now_.order), is_reversed_);
            break;
        case 'S':
            order_by(previous(now_.order), is_reversed_);
            break;
        case 'r':
            order_by(now_.order, !is_reversed_);
            break;
        case 'g':
            grouping_ = (grouping_ + 1) % groupings_.size();
            return ask_for({.by = groupings_[grouping_], .filter = now_.question.filter});
        case '/':
            typed_ = now_.question.filter;
            break;
        case ' ':
            is_paused_ = !is_paused_;
            break;
        case '+':
        case '=':  // the same key without Shift
            if (next_interval != intervals.end()) now_.interval = *next_interval;
            break;
        case '-':
            if (this_interval != intervals.begin()) now_.interval = *(this_interval - 1);
            break;
        case 'h':
        case '?':
            is_help_ = true;
            offset_ = 0;
            break;
        default:
            break;
    }
    return effect::draw;
}

top_view::effect top_view::on_key_of_filter(const key& pressed) {
    switch (pressed.name) {
        case key_name::text:
            if (typed_->size() + pressed.text.size() <= filter_bytes_max) *typed_ += pressed.text;
            return effect::draw;
        case key_name::erase:
            erase_last_character(*typed_);
            return effect::draw;
        case key_name::enter:
        case key_name::escape: {
            const bool is_accepted = pressed.name == key_name::enter;
            auto filter = is_accepted ? std::move(*typed_) : std::string();
            typed_.reset();
            return ask_for({.by = now_.question.by, .filter = std::move(filter)});
        }
        default:
            return effect::draw;
    }
}

top_view::effect top_view::ask_for(top_question other) {
    if (other == now_.question) return effect::draw;
    now_.question = std::move(other);
    offset_ = 0;
    return effect::ask_and_draw;
}

bool top_view::scroll(const key& pressed) {
    const auto page = body_lines();
    const auto most = offset_max();
    if (pressed.name == key_name::up || pressed.text == "k") {
        offset_ -= std::min<std::size_t>(offset_, 1);
    } else if (pressed.name == key_name::down || pressed.text == "j") {
        offset_ = std::min(offset_ + 1, most);
    } else if (pressed.name == key_name::page_up) {
        offset_ -= std::min(offset_, page);
    } else if (pressed.name == key_name::page_down) {
        offset_ = std::min(offset_ + page, most);
    } else if (pressed.name == key_name::home) {
        offset_ = 0;
    } else if (pressed.name == key_name::end) {
        offset_ = most;
    } else {
        return false;
    }
    return true;
}

// --- what changes what is shown ------------------------------------------------------------------

void top_view::order_by(holder_order order, bool is_reversed) {
    now_.order = order;
    is_reversed_ = is_reversed;
    renew_rows();
}

void top_view::on_resize(screen_size now) {
    size_ = now;
    renew_rows();
}

void top_view::on_look(top_look now) {
    look_ = std::move(now);
    renew_rows();
}

void top_view::renew_rows() {
    header_.clear();
    rows_.clear();
    if (look_) {
        auto groups = look_->holders.groups.sorted();
        sort_groups(groups, now_.order, is_reversed_);
        if (!groups.empty()) {
            rows_ = lines_of(holders_table(look_->holders, groups, on_paper(), now_.order));
            header_ = std::move(rows_.front());
            rows_.erase(rows_.begin());
        }
    }
    offset_ = std::min(offset_, offset_max());
}

// --- the screen ----------------------------------------------------------------------------------

paper top_view::on_paper() const {
    return {.width = size_.columns, .is_coloured = now_.is_coloured};
}

std::vector<std::string> top_view::frame() const {
    if (size_.columns < screen_size_min.columns || size_.lines < screen_size_min.lines) {
        return too_small(size_);
    }
    auto lines = top_lines();
    const auto& all = body();
    const auto first = std::min(offset_, all.size());
    const auto shown = std::min(body_lines(), all.size() - first);
    for (std::size_t i = first; i < first + shown; ++i)
        lines.push_back(cut_painted(all[i], size_.columns));
    lines.resize(size_.lines - 1);
    lines.push_back(bottom_line(first, shown));
    return lines;
}

// All above the rows.
std::vector<std::string> top_view::top_lines() const {
    const auto on = on_paper();
    const auto every = fmt::format("every {} s", now_.interval.count());
    const auto title = fmt::format("headroom top  {}  {}", look_ ? look_->asked_at : "", every);
    std::vector<std::string> lines{
        on.paint(two_sided(title, is_paused_ ? "PAUSED" : "", on.width), ink::bold)};
    if (!look_) {
        lines.push_back("Asking the servers ...");
    } else {
        for (auto& line : use_lines(look_->servers, on))
            lines.push_back(std::move(line));
        const auto& troubles = look_->holders.findings;
        const auto most = std::min(troubles.size(), size_.lines / lines_for_one_finding);
        for (std::size_t i = 0; i < most; ++i) {
            const auto text = fmt::format("{}: {}", to_string(troubles[i].how), troubles[i].what);
            lines.push_back(on.paint(cut_to(text, on.width), ink_of(troubles[i].how)));
        }
    }
    lines.push_back(cut_to(status_line(), on.width));
    if (!is_help_ && !header_.empty()) lines.push_back(cut_painted(header_, on.width));
    return lines;
}

std::string top_view::status_line() const {
    auto line = fmt::format("by {}, sorted by {}{}", names_of(now_.question.by),
                            to_string(now_.order), is_reversed_ ? " reversed" : "");
    if (!now_.question.filter.empty()) {
        line += fmt::format(", only '{}'", printable_excerpt(now_.question.filter));
    }
    if (look_ && look_->holders.groups.beyond() > 0) {
        line += fmt::format(", {} beyond {} groups", look_->holders.groups.beyond(),
                            inspect::holder_groups::groups_max);
    }
    return line;
}

std::string top_view::bottom_line(std::size_t first, std::size_t shown) const {
    const auto on = on_paper();
    if (typed_) {
        return on.paint(two_sided(fmt::format("/{}_", printable_excerpt(*typed_)),
                                  "Enter accepts, Esc clears", on.width),
                        ink::bold);
    }
    const auto place = shown == 0
                           ? std::string(look_ ? "no connections" : "")
                           : fmt::format("{}-{} of {}", first + 1, first + shown, body().size());
    return on.paint(two_sided("q quit  h help  s sort  g group  / filter", place, on.width),
                    ink::dim);
}

const std::vector<std::string>& top_view::body() const {
    return is_help_ ? help_lines() : rows_;
}

std::size_t top_view::body_lines() const {
    const auto above = top_lines().size() + 1;  // and the bottom line
    return size_.lines > above ? size_.lines - above : 0;
}

std::size_t top_view::offset_max() const {
    const auto all = body().size();
    const auto room = body_lines();
    return all > room ? all - room : 0;
}

}  // namespace headroom::tool
