// SPDX-License-Identifier: Apache-2.0
// Any arguments: what a command encodes is what the reference parser reads back, its words and
// sizes agree, also of copies; and what is said of its nature is about its own words.
//
// Input: a byte that chooses a name (even: of the table, then which; odd: a text), then words, each
// with its length before it.
#include "redis/core/command.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "fuzz/reference_parser.hpp"
#include "redis/core/command_traits.hpp"

namespace headroom::fuzz {

namespace {

using redis::command;
using words = std::vector<std::string>;

words take_words(fuzz_input& input) {
    words all;
    if (input.take_bool()) {
        all.emplace_back(input.take_text());
    } else {
        const auto table = redis::all_traits();
        const auto low = input.take_byte();
        const auto which = static_cast<std::size_t>(input.take_byte()) * 256 + low;
        // "CLIENT LIST" is two words.
        const auto name = table[which % table.size()].name;
        const auto space = name.find(' ');
        all.emplace_back(name.substr(0, space));
        if (space != name.npos) all.emplace_back(name.substr(space + 1));
    }
    while (!input.empty())
        all.emplace_back(input.take_text());
    return all;
}

void check_words(const command& what, const words& expected) {
    HEADROOM_ASSERT(what.argument_count() == expected.size(), "as many words");
    HEADROOM_ASSERT(what.name() == expected.front(), "its name is its first word");
    for (std::size_t i = 0; i < expected.size(); ++i)
        HEADROOM_ASSERT(what.argument(i) == expected[i], "each word as it was given");
    HEADROOM_ASSERT(what.argument(expected.size()).empty(), "none beyond the last");
}

void check_encoding(const command& what, const words& expected) {
    const std::string before = "+before\r\n";
    auto out = before;
    what.encode_to(out);
    HEADROOM_ASSERT(out.size() == before.size() + what.encoded_size(), "as long as it says");
    HEADROOM_ASSERT(out.starts_with(before), "appended");
    const auto read = read_stream(std::string_view(out).substr(before.size()), {}, false);
    HEADROOM_ASSERT(read.end == stream_end::between_values && read.values.size() == 1, "one value");
    const auto& items = read.values.front().items;
    HEADROOM_ASSERT(std::ranges::equal(items, expected, {}, &redis::value::text), "the same words");
    HEADROOM_ASSERT(std::ranges::all_of(items, &redis::value::is_string), "all of them strings");
}

void check_nature(const command& what) {
    const auto effect = redis::effect_of(what);
    HEADROOM_ASSERT(!redis::describe(effect).empty(), "every effect has a word");
    if (effect != redis::command_effect::none) {
        HEADROOM_ASSERT(!redis::explain_not_allowed(what).empty(), "a refusal is explained");
    }
    (void)redis::side_effect_of(what);
    (void)redis::may_answer_much(what);
    if (effect == redis::command_effect::blocks) {
        const auto time = redis::block_time_of(what);
        HEADROOM_ASSERT(!time || time->count() >= 0, "nothing blocks for less than no time");
    }
    for (const auto key : redis::keys_of(what)) {
        bool is_own = false;
        for (std::size_t i = 1; i < what.argument_count() && !is_own; ++i) {
            const auto word = what.argument(i);
            is_own = word.data() == key.data() && word.size() == key.size();
        }
        HEADROOM_ASSERT(is_own, "a key is a view of one of its words");
    }
}

void run(fuzz_input input) {
    auto expected = take_words(input);
    command what(expected.front());
    for (std::size_t i = 1; i < expected.size(); ++i)
        what.arg(expected[i]);
    check_words(what, expected);
    check_encoding(what, expected);
    check_nature(what);

    auto copy = what;
    copy.arg(std::string(300, 'x'));
    check_words(what, expected);
    const auto moved = std::move(what);
    check_words(moved, expected);
    check_encoding(moved, expected);
    copy = moved;
    check_words(copy, expected);
    copy.arg(std::int64_t{-42}).arg(7U);
    expected.insert(expected.end(), {"-42", "7"});
    check_words(copy, expected);
    check_encoding(copy, expected);
}

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::run(headroom::fuzz::fuzz_input(bytes, size));
    return 0;
}
