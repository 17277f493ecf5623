// SPDX-License-Identifier: Apache-2.0
// Reads the members of a JSON object that came from outside: each is bounded, an unknown one is a
// fault, and a fault names the member but shows no value. Not a parser.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace headroom::chat {

struct text_rule {
    std::size_t bytes_min = 0;
    std::size_t bytes_max = 0;
    bool may_have_controls = false;  // but a NUL
    bool may_have_nul = false;
};

struct number_rule {
    std::uint64_t min = 0;
    std::uint64_t max = 0;
};

// Members are asked for one after the other; fault() then tells the first thing that was wrong with
// any of them. A member that is absent or wrong is given as empty, zero or false.
class json_members {
public:
    // `path` stands before the members' names in faults: "limits" makes "limits.events". The object
    // outlives this.
    json_members(const boost::json::object& from, std::string path);

    [[nodiscard]] bool has(std::string_view name);
    [[nodiscard]] std::string text(std::string_view name, text_rule within);
    [[nodiscard]] std::uint64_t number(std::string_view name, number_rule within);
    [[nodiscard]] bool flag(std::string_view name);
    // Null when it is absent or no object, or no array of at most so many elements.
    [[nodiscard]] const boost::json::object* object(std::string_view name);
    [[nodiscard]] const boost::json::array* array(std::string_view name, std::size_t size_max);

    // What is wrong with a text, after its name: " must be text". Empty: nothing.
    [[nodiscard]] static std::string wrong_in(const boost::json::value& what, text_rule within);

    [[nodiscard]] std::string name_of(std::string_view member) const;
    // "limits.events must be ..."; the first one is kept.
    void refuse(std::string what);
    void refuse(std::string_view member, std::string_view what);
    // The first fault, or else a member that nobody asked for.
    [[nodiscard]] std::optional<std::string> fault() const;

private:
    [[nodiscard]] const boost::json::value* take(std::string_view name);
    [[nodiscard]] const boost::json::value* demand(std::string_view name);

    const boost::json::object& from_;
    std::string path_;
    std::vector<std::string_view> asked_for_;
    std::optional<std::string> fault_;
};

// One line of JSON that must be an object: not longer than `bytes_max`, UTF-8, not nested deeper
// than `depth_max`. The error is a sentence that begins with `what`: "the order is no valid JSON".
[[nodiscard]] result<boost::json::object> parse_json_line(std::string_view line,
                                                          std::string_view what,
                                                          std::size_t bytes_max,
                                                          std::size_t depth_max);

}  // namespace headroom::chat
