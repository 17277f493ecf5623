// SPDX-License-Identifier: Apache-2.0
// The bundle `echo`: the shortest one on the event loop.
#include <algorithm>

#include "chat/bundles/built_in_bundles.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

// The text's beginning up to and with the white space after its first word.
std::string_view first_word(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return text;
    const auto end = text.find_first_of(blanks, begin);
    if (end == std::string_view::npos) return text;
    const auto next = text.find_first_not_of(blanks, end);
    return text.substr(0, next == std::string_view::npos ? text.size() : next);
}

std::int64_t words_in(std::string_view text) {
    std::int64_t words = 0;
    for (; !text.empty(); ++words)
        text.remove_prefix(first_word(text).size());
    return words;
}

class echo_bundle final : public bundle {
public:
    explicit echo_bundle(echo_pace pace) : pace_(pace) {}

    asio::awaitable<result<void>> handle(bundle_turn turn, const bundle_services&) override {
        std::string_view rest = turn.request.text;
        const clock::duration whole = pace_.whole_max;
        const auto pause = std::min<clock::duration>(
            pace_.word, whole / std::max<std::int64_t>(words_in(rest), 1));
        while (!rest.empty()) {
            const auto word = first_word(rest);
            auto written = turn.answer.write(word);
            if (!written) co_return written;
            rest.remove_prefix(word.size());
            if (rest.empty()) break;
            co_await net::sleep_until(std::min(clock::now() + pause, turn.by));
        }
        co_return result<void>{};
    }

private:
    echo_pace pace_;
};

}  // namespace

bundle_definition echo_definition(echo_pace pace) {
    return {.name = "echo",
            .summary = "Says your words back, a piece at a time.",
            .make = [pace](const bundle_values&) { return std::make_unique<echo_bundle>(pace); }};
}

}  // namespace headroom::chat
