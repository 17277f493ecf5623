// SPDX-License-Identifier: Apache-2.0
// What `headroom top` shows: keys and looks at the servers go in, a screen of lines comes out.
// Performs no I/O and reads no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headroom/holders/holder_order.hpp"
#include "headroom/holders/holders_report.hpp"
#include "headroom/top/key_reader.hpp"

namespace headroom::tool {

inline constexpr screen_size screen_size_min{.columns = 40, .lines = 10};

// How much of what a server accepts is in use.
struct server_use {
    std::string name;                          // "Redis"
    std::optional<std::uint64_t> in_use = {};  // empty: not known
    std::optional<std::uint64_t> usable = {};  // empty: not known
    std::string remark = {};                   // where it is, and what else is of note
};

// What is asked of the servers.
struct top_question {
    std::vector<inspect::group_field> by;
    std::string filter = {};  // empty: all connections
    bool operator==(const top_question&) const = default;
};

// What they answered.
struct top_look {
    std::string asked_at;             // a time of day, for people
    std::vector<server_use> servers;  // those that told
    holders_report holders;           // with findings for those that did not
};

// The filter as a part of the name, address, user or state, in any case.
[[nodiscard]] bool is_match(const inspect::holder& one, std::string_view filter);

// "Redis     312 of 10000  [#.....]   3 %  at 10.0.0.5:6379", all of one width; a line each.
[[nodiscard]] std::vector<std::string> use_lines(const std::vector<server_use>& servers,
                                                 const paper& on);

class top_view {
public:
    struct settings {
        top_question question;
        holder_order order = holder_order::connections;
        std::chrono::seconds interval{2};
        bool is_coloured = false;
    };
    // What the driver has to do.
    enum class effect : std::uint8_t { draw, ask_and_draw, quit };

    explicit top_view(settings start);

    [[nodiscard]] effect on_key(const key& pressed);
    void on_resize(screen_size now);
    void on_look(top_look now);

    [[nodiscard]] const top_question& question() const { return now_.question; }
    [[nodiscard]] std::chrono::seconds interval() const { return now_.interval; }
    [[nodiscard]] bool is_paused() const { return is_paused_; }

    // As many lines as the screen has at most, none wider than it.
    [[nodiscard]] std::vector<std::string> frame() const;

private:
    [[nodiscard]] effect on_key_of_filter(const key& pressed);
    [[nodiscard]] effect on_character(char pressed);
    [[nodiscard]] effect ask_for(top_question other);
    [[nodiscard]] bool scroll(const key& pressed);
    void order_by(holder_order order, bool is_reversed);
    void renew_rows();

    [[nodiscard]] std::vector<std::string> top_lines() const;
    [[nodiscard]] std::string status_line() const;
    [[nodiscard]] std::string bottom_line(std::size_t first, std::size_t shown) const;
    [[nodiscard]] std::size_t body_lines() const;
    [[nodiscard]] const std::vector<std::string>& body() const;
    [[nodiscard]] std::size_t offset_max() const;
    [[nodiscard]] paper on_paper() const;

    settings now_;
    std::vector<std::vector<inspect::group_field>> groupings_;
    std::size_t grouping_ = 0;
    bool is_reversed_ = false;
    bool is_paused_ = false;
    bool is_help_ = false;
    std::optional<std::string> typed_;  // while a filter is typed
    std::size_t offset_ = 0;            // lines of the body that are scrolled away
    screen_size size_;

    std::optional<top_look> look_;  // the last one
    std::string header_;            // of the table, and its rows: of look_, for size_
    std::vector<std::string> rows_;
};

}  // namespace headroom::tool
