// SPDX-License-Identifier: Apache-2.0
// Any bytes in any split: resp_parser gives what the reference parser gives for the whole, within
// its bounds, with memory for what has come and not for what was announced.
//
// Input: a byte of ways (bits 0-2 the bounds, bit 3 strings are diverted, bit 6 one value is filled
// again and again, bit 7 values are taken as views where they can be), the number of piece sizes
// (bits 0-3), the piece sizes, which repeat, then the stream.
#include "redis/core/resp_parser.hpp"

#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/allocation_count.hpp"
#include "fuzz/fuzz_input.hpp"
#include "fuzz/reference_parser.hpp"
#include "redis/core/reply_view.hpp"

namespace headroom::fuzz {

namespace {

using redis::parser_bounds;
using redis::value;

constexpr auto all_bounds = std::to_array<parser_bounds>({
    {},
    {.depth_max = 3},
    {.line_bytes_max = 16},
    {.bulk_bytes_max = 10},
    {.elements_max = 12},
    {.reply_bytes_max = 40},
    {.depth_max = 1,
     .line_bytes_max = 8,
     .bulk_bytes_max = 5,
     .elements_max = 6,
     .reply_bytes_max = 24},
    {.depth_max = 0,
     .line_bytes_max = 3,
     .bulk_bytes_max = 0,
     .elements_max = 0,
     .reply_bytes_max = 0},
});

// Equal also when both hold the same nan, or a zero of the same sign.
bool is_same(const value& a, const value& b) {
    if (a.kind != b.kind || a.integer != b.integer || a.text != b.text) return false;
    const bool is_same_number =
        std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number);
    const bool are_nan = a.number != a.number && b.number != b.number;
    if (!is_same_number && !are_nan) return false;
    return std::ranges::equal(a.items, b.items, is_same);
}

class splitter {
public:
    explicit splitter(fuzz_input& input) {
        const auto count = input.take_below(16);
        for (std::size_t i = 0; i < count; ++i)
            sizes_.push_back(input.take_byte());
        if (std::ranges::all_of(sizes_, [](std::size_t size) { return size == 0; })) {
            sizes_.assign(1, SIZE_MAX);
        }
    }
    std::string_view take(std::string_view& rest) {
        const auto piece = rest.substr(0, sizes_[at_++ % sizes_.size()]);
        rest.remove_prefix(piece.size());
        return piece;
    }

private:
    std::vector<std::size_t> sizes_;
    std::size_t at_ = 0;
};

// Who reads may say where a value goes, and may take it as a view into what was read.
struct reading {
    redis::resp_parser parser;
    redis::reply_viewer viewer;
    bool takes_views = false;
    bool reuses_a_value = false;
    value reused = {};
};

// The view reads what is whole and plain, and touches nothing where it does not.
bool take_view(reading& by, std::string_view& input, std::vector<value>& into) {
    const auto before = input;
    const auto* view = by.viewer.read(input);
    if (view == nullptr) {
        HEADROOM_ASSERT(input.data() == before.data() && input.size() == before.size(),
                        "what is not viewed is left to the parser");
        return false;
    }
    const auto whole = redis::to_value(*view);
    HEADROOM_ASSERT(redis::is_text(*view) == redis::is_text(whole), "text is text in both forms");
    HEADROOM_ASSERT(is_same(redis::to_value(by.viewer.show(whole)), whole), "shown as it is");
    into.push_back(whole);
    return true;
}

void check_fault(reading& by) {
    HEADROOM_ASSERT(!by.parser.fault().reason.empty(), "a fault has a reason");
    auto more = std::string_view("+OK\r\n");
    HEADROOM_ASSERT(!by.parser.next(more), "after a fault there is nothing but it");
}

// One piece, as a reader feeds it. False after a fault.
bool feed(reading& by, std::string_view piece, std::vector<value>& into) {
    using progress = redis::resp_parser::progress;
    const exact_copy copy(piece);
    auto input = copy.view();
    for (;;) {
        if (by.takes_views && by.parser.is_between_values() && take_view(by, input, into)) continue;
        value fresh;
        auto& place = by.reuses_a_value ? by.reused : fresh;
        switch (by.parser.read(input, place)) {
            case progress::complete:
                into.push_back(place);
                break;
            case progress::needs_more:
                HEADROOM_ASSERT(input.empty(), "who asks for more has used up what there was");
                return true;
            case progress::faulty:
                check_fault(by);
                return false;
        }
    }
}

struct outcome {
    stream read;
    std::size_t bytes = 0;  // fed before a fault ended it
};

outcome parse(reading& by, splitter& pieces, std::string_view bytes, bool diverts) {
    outcome out;
    if (diverts) {
        by.parser.divert_strings([&out](std::string_view part) { out.read.diverted += part; });
    }
    const auto size = bytes.size();
    while (!bytes.empty()) {
        if (!feed(by, pieces.take(bytes), out.read.values)) {
            out.read.end = stream_end::malformed;
            break;
        }
    }
    if (out.read.end != stream_end::malformed) {
        out.read.end =
            by.parser.is_between_values() ? stream_end::between_values : stream_end::in_a_value;
    }
    out.bytes = size - bytes.size();
    return out;
}

void check_memory(std::size_t used, std::size_t bytes, const parser_bounds& bounds) {
    // The shortest element is three bytes and becomes a value in a vector that doubles, so that for
    // a moment three values stand for it. An aggregate is four bytes and may reserve a little more
    // than has come; no more of them are open than the depth allows.
    constexpr std::size_t a_byte = sizeof(value) * 3 / 3 + sizeof(value);
    const auto open = std::min(bounds.depth_max, bytes / 4);
    // The viewer's room for elements is made once.
    constexpr auto at_rest = 16 * 1024 + redis::reply_viewer::elements_max * 3 * sizeof(value);
    const auto allowed = at_rest + bytes * a_byte + open * 256 * sizeof(value);
    HEADROOM_ASSERT(used <= allowed, "a parser keeps no more than a multiple of what has come");
}

void compare(const stream& got, const stream& expected) {
    HEADROOM_ASSERT(got.values.size() == expected.values.size(), "as many values");
    HEADROOM_ASSERT(std::ranges::equal(got.values, expected.values, is_same), "the same values");
    HEADROOM_ASSERT(got.end == expected.end, "the same end: whole, incomplete or malformed");
    if (expected.end != stream_end::malformed) {
        HEADROOM_ASSERT(got.diverted == expected.diverted, "the same bytes diverted");
    } else {
        // How far a string got before the fault depends on the pieces.
        const auto size = std::min(got.diverted.size(), expected.diverted.size());
        HEADROOM_ASSERT(got.diverted.substr(0, size) == expected.diverted.substr(0, size),
                        "the same bytes diverted, as far as both went");
    }
}

void run(fuzz_input input) {
    const auto ways = input.take_byte();
    const auto& bounds = all_bounds[ways % all_bounds.size()];
    const bool diverts = (ways & 8U) != 0;
    splitter pieces(input);
    const auto bytes = input.rest();

    const auto expected = read_stream(bytes, bounds, diverts);
    forget_peak();
    const auto before = live_bytes();
    // A view has bounds of its own, which are narrower than the parser's by default, and diverts
    // nothing.
    const bool may_view = &bounds == &all_bounds.front() && !diverts;
    reading by{.parser = redis::resp_parser(bounds),
               .viewer = {},
               .takes_views = may_view && (ways & 128U) != 0,
               .reuses_a_value = (ways & 64U) != 0};
    const auto got = parse(by, pieces, bytes, diverts);
    check_memory(peak_bytes() - before, got.bytes, bounds);
    compare(got.read, expected);
}

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::run(headroom::fuzz::fuzz_input(bytes, size));
    return 0;
}
