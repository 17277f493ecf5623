// SPDX-License-Identifier: Apache-2.0
// Turns the server's bytes into values, whatever way they were split. RESP2 and RESP3, but for
// streamed strings and aggregates, which no Redis sends. Not a socket, not the pairing of replies.
// https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/core/value.hpp"

namespace headroom::redis {

// The peer's bytes make no sense. Where the next reply begins is unknown: only closing helps.
struct protocol_fault {
    std::string reason;
};

struct parser_bounds {
    std::size_t depth_max = 128;  // of aggregates in one another
    std::size_t line_bytes_max = 64 * 1024;
    std::size_t bulk_bytes_max = 512 * 1024 * 1024;
    std::size_t elements_max = 16 * 1024 * 1024;       // of one reply, announced
    std::size_t reply_bytes_max = 1024 * 1024 * 1024;  // of one reply, received
};

class resp_parser {
public:
    explicit resp_parser(parser_bounds bounds = {}) : bounds_(bounds) {}

    enum class progress : std::uint8_t {
        complete,    // `into` is the value
        needs_more,  // all of `input` is used up; `into` is untouched
        faulty,      // see fault(); every later call says so again
    };
    // Reads one value from the front of `input` and removes the bytes it used.
    [[nodiscard]] progress read(std::string_view& input, value& into);
    [[nodiscard]] const protocol_fault& fault() const { return *fault_; }

    // The same, as one result; empty when more is needed.
    [[nodiscard]] std::expected<std::optional<value>, protocol_fault> next(std::string_view& input);

    // From the next value on: the bytes of a string that is a whole reply go to `sink` as they
    // come, and its value is an empty string; so a reply of any size costs no memory. An empty
    // function ends it. Between values only.
    void divert_strings(std::function<void(std::string_view)> sink);

    // Nothing of a value has been read yet, nor of an attribute before it.
    [[nodiscard]] bool is_between_values() const { return bytes_ == 0; }

private:
    struct frame {
        value aggregate;
        std::size_t remaining = 0;
        bool is_attribute = false;  // read and dropped; the value it decorates follows
    };

    // A short reply that has come whole is read without the states below.
    [[nodiscard]] bool read_at_once(std::string_view& input, value& into) const;

    // Each returns false when `input` is used up or a fault was found.
    bool step(std::string_view& input);
    bool take_line(std::string_view& input, std::string_view& line);
    bool take_bulk(std::string_view& input);
    bool on_line(std::string_view line, std::size_t available);
    bool begin_bulk(std::string_view line);
    bool begin_aggregate(std::string_view line, std::size_t available);
    bool finish_bulk();
    [[nodiscard]] std::string_view divert(std::string_view bytes);
    bool set_number(std::string_view text);
    void finish(value&& done);  // an element of the innermost aggregate, or the whole value

    bool fail(std::string reason);

    parser_bounds bounds_;
    std::vector<frame> stack_;
    std::string line_;  // the beginning of a line that was split: its input is gone
    bool in_bulk_ = false;
    char bulk_kind_ = '$';
    std::size_t bulk_remaining_ = 0;  // with the CR LF behind it
    std::string bulk_;
    std::function<void(std::string_view)> sink_;
    bool is_diverted_ = false;          // the bulk at hand goes to sink_
    std::size_t format_remaining_ = 0;  // of a verbatim string that is diverted
    std::size_t elements_ = 0;          // of the reply at hand, announced
    std::size_t bytes_ = 0;             // of the reply at hand, received
    std::optional<value> done_;
    std::optional<protocol_fault> fault_;
};

}  // namespace headroom::redis
