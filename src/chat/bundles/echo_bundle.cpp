// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/echo_bundle.hpp"

#include <algorithm>

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

    std::string_view name() const override { return "echo"; }

    asio::awaitable<result<void>> handle(bundle_request request, answer_stream& answer,
                                         deadline by) override {
        std::string_view rest = request.text;
        const clock::duration whole = pace_.whole_max;
        const auto pause = std::min<clock::duration>(
            pace_.word, whole / std::max<std::int64_t>(words_in(rest), 1));
        while (!rest.empty()) {
            const auto word = first_word(rest);
            auto written = answer.write(word);
            if (!written) co_return written;
            rest.remove_prefix(word.size());
            if (rest.empty()) break;
            co_await net::sleep_until(std::min(clock::now() + pause, by));
        }
        co_return result<void>{};
    }

private:
    echo_pace pace_;
};

}  // namespace

std::unique_ptr<bundle> make_echo_bundle(echo_pace pace) {
    return std::make_unique<echo_bundle>(pace);
}

}  // namespace headroom::chat
