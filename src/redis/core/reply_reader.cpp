// SPDX-License-Identifier: Apache-2.0
#include "redis/core/reply_reader.hpp"

#include <charconv>
#include <cstddef>

namespace headroom::redis {

namespace {

bool is_list(const value& from) {
    return from.kind == value_kind::array || from.kind == value_kind::set;
}

bool is_pairs(const value& from) {
    return (from.is_array() || from.kind == value_kind::map) && from.items.size() % 2 == 0;
}

template <class Number>
std::optional<Number> parse(std::string_view digits) {
    Number number = 0;
    const auto* end = digits.data() + digits.size();
    const auto [at, code] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || code != std::errc{} || at != end) return std::nullopt;
    return number;
}

std::optional<std::int64_t> read_integer(value& from) {
    if (!from.is_integer()) return std::nullopt;
    return from.integer;
}

std::optional<std::uint64_t> read_count(value& from) {
    if (!from.is_integer() || from.integer < 0) return std::nullopt;
    return static_cast<std::uint64_t>(from.integer);
}

std::optional<bool> read_flag(value& from) {
    const bool is_either = from.is_integer() || from.kind == value_kind::boolean;
    if (!is_either || (from.integer != 0 && from.integer != 1)) return std::nullopt;
    return from.integer == 1;
}

std::optional<bool> read_is_done(value& from) {
    if (from.is_null()) return false;
    if (!from.is_string() || from.text != "OK") return std::nullopt;
    return true;
}

std::optional<std::string> read_text(value& from) {
    if (!from.is_string()) return std::nullopt;
    return std::move(from.text);
}

std::optional<std::uint64_t> read_digits(value& from) {
    if (!from.is_string()) return std::nullopt;
    return parse<std::uint64_t>(from.text);
}

std::optional<std::vector<value>> read_items(value& from) {
    if (!is_list(from)) return std::nullopt;
    return std::move(from.items);
}

std::optional<std::optional<std::string>> read_optional_text(value& from) {
    if (from.is_null()) return std::optional<std::string>();
    if (!from.is_string()) return std::nullopt;
    return std::optional<std::string>(std::move(from.text));
}

// Each element of a list by `read`; nothing when one of them is of another kind.
template <class Element>
std::optional<std::vector<Element>> read_each(value& from, std::optional<Element> (*read)(value&)) {
    if (!is_list(from)) return std::nullopt;
    std::vector<Element> all;
    all.reserve(from.items.size());
    for (auto& item : from.items) {
        auto one = read(item);
        if (!one) return std::nullopt;
        all.push_back(std::move(*one));
    }
    return all;
}

std::optional<std::vector<std::string>> read_texts(value& from) {
    return read_each<std::string>(from, read_text);
}

std::optional<std::vector<std::optional<std::string>>> read_optional_texts(value& from) {
    return read_each<std::optional<std::string>>(from, read_optional_text);
}

std::optional<std::vector<field_pair>> read_fields(value& from) {
    if (!is_pairs(from)) return std::nullopt;
    std::vector<field_pair> fields;
    fields.reserve(from.items.size() / 2);
    for (std::size_t i = 0; i < from.items.size(); i += 2) {
        auto& name = from.items[i];
        auto& content = from.items[i + 1];
        if (!name.is_string() || !content.is_string()) return std::nullopt;
        fields.emplace_back(std::move(name.text), std::move(content.text));
    }
    return fields;
}

// -2: there is no such key; -1: it has no end. https://redis.io/docs/latest/commands/pttl/
std::optional<key_lifetime> read_lifetime(value& from) {
    if (!from.is_integer() || from.integer < -2) return std::nullopt;
    if (from.integer == -2) return key_lifetime{};
    if (from.integer == -1) return key_lifetime{.exists = true, .left = std::nullopt};
    return key_lifetime{.exists = true, .left = std::chrono::milliseconds(from.integer)};
}

std::optional<stream_entry> read_entry(value& from) {
    if (!from.is_array() || from.items.size() != 2 || !from.items[0].is_string()) {
        return std::nullopt;
    }
    stream_entry entry{.id = std::move(from.items[0].text), .fields = {}};
    if (from.items[1].is_null()) return entry;
    auto fields = read_fields(from.items[1]);
    if (!fields) return std::nullopt;
    entry.fields = std::move(*fields);
    return entry;
}

std::optional<std::vector<stream_entry>> read_entries(value& from) {
    return read_each<stream_entry>(from, read_entry);
}

std::optional<stream_page> read_page(value& key, value& entries) {
    if (!key.is_string()) return std::nullopt;
    auto read = read_entries(entries);
    if (!read) return std::nullopt;
    return stream_page{.key = std::move(key.text), .entries = std::move(*read)};
}

// RESP3: a map of keys to entries. RESP2: an array of such pairs.
std::optional<std::vector<stream_page>> read_pages(value& from) {
    std::vector<stream_page> pages;
    if (from.is_null()) return pages;
    const bool is_map = from.kind == value_kind::map;
    if ((!is_map && !from.is_array()) || (is_map && from.items.size() % 2 != 0)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < from.items.size(); i += is_map ? 2 : 1) {
        auto& first = from.items[i];
        if (!is_map && (!first.is_array() || first.items.size() != 2)) return std::nullopt;
        auto page = is_map ? read_page(first, from.items[i + 1])
                           : read_page(first.items[0], first.items[1]);
        if (!page) return std::nullopt;
        pages.push_back(std::move(*page));
    }
    return pages;
}

// {seconds, microseconds}, both as strings.
std::optional<std::chrono::system_clock::time_point> read_time(value& from) {
    using namespace std::chrono;
    if (!from.is_array() || from.items.size() != 2) return std::nullopt;
    const auto whole = parse<std::int64_t>(from.items[0].text);
    const auto rest = parse<std::int64_t>(from.items[1].text);
    if (!whole || !rest || *whole <= 0 || *rest < 0 || *rest >= 1'000'000) return std::nullopt;
    constexpr auto latest = duration_cast<seconds>(system_clock::duration::max()).count();
    if (*whole >= latest) return std::nullopt;
    return system_clock::time_point(seconds(*whole) + microseconds(*rest));
}

std::optional<std::string> read_role(value& from) {
    if (!from.is_array() || from.items.empty()) return std::nullopt;
    return read_text(from.items[0]);
}

}  // namespace

std::string describe_kind(const value& reply) {
    const auto counted = [&reply](std::string_view what, std::size_t each) {
        return std::string(what) + " of " + std::to_string(reply.items.size() / each);
    };
    switch (reply.kind) {
        case value_kind::null:
            return "nothing";
        case value_kind::string:
            return "a string";
        case value_kind::error:
            return "an error";
        case value_kind::integer:
            return "an integer";
        case value_kind::number:
            return "a number";
        case value_kind::boolean:
            return "a boolean";
        case value_kind::array:
            return counted("an array", 1);
        case value_kind::set:
            return counted("a set", 1);
        case value_kind::map:
            return counted("a map", 2);
        case value_kind::push:
            return "a push";
    }
    return "what we do not know";
}

namespace reply {

constinit const reply_reader<std::int64_t> integer{"an integer", read_integer};
constinit const reply_reader<std::uint64_t> count{"a number of things", read_count};
constinit const reply_reader<bool> flag{"0 or 1", read_flag};
constinit const reply_reader<bool> is_done{"OK or nothing", read_is_done};
constinit const reply_reader<std::string> text{"a string", read_text};
constinit const reply_reader<std::uint64_t> digits{"a decimal number", read_digits};
constinit const reply_reader<std::vector<value>> items{"a list", read_items};
constinit const reply_reader<std::optional<std::string>> optional_text{"a string or nothing",
                                                                       read_optional_text};
constinit const reply_reader<std::vector<std::string>> texts{"a list of strings", read_texts};
constinit const reply_reader<std::vector<std::optional<std::string>>> optional_texts{
    "a list of strings and nothings", read_optional_texts};
constinit const reply_reader<std::vector<field_pair>> fields{"fields and their values",
                                                             read_fields};
constinit const reply_reader<key_lifetime> lifetime{"a time to live", read_lifetime};
constinit const reply_reader<std::vector<stream_entry>> entries{"entries of a stream",
                                                                read_entries};
constinit const reply_reader<std::vector<stream_page>> pages{"entries of streams", read_pages};
constinit const reply_reader<std::chrono::system_clock::time_point> time{"seconds and microseconds",
                                                                         read_time};
constinit const reply_reader<std::string> role{"a role and more", read_role};

}  // namespace reply

}  // namespace headroom::redis
