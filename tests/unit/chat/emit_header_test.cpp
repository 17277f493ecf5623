// SPDX-License-Identifier: Apache-2.0
// The header that programs of others include: its JSON is JSON, whatever it is given.
#include "chat/sdk/emit.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.hpp"

namespace headroom::sdk {
namespace {

std::string as_json(std::string_view text) {
    std::string line;
    detail::append_json_string(line, text);
    return line;
}

TEST(EmitHeader, EscapesWhatJsonReserves) {
    EXPECT_EQ(as_json("a\"b\\c/\n\r\t\x01\x7F\xC3\xA4"),
              "\"a\\\"b\\\\c/\\n\\u000d\\u0009\\u0001\x7F\xC3\xA4\"");
    EXPECT_EQ(as_json(""), "\"\"");
}

TEST(EmitHeader, MakesAStringThatIsReadBackWhateverTheBytes) {
    EXPECT_TRUE(rc::check([] {
        const auto text = *rc::gen::container<std::string>(
            rc::gen::oneOf(rc::gen::arbitrary<char>(),
                           rc::gen::element('"', '\\', '\xC3', '\xA4', '\xED', '\xF0', '\0')));
        const std::string line = as_json(text);
        RC_ASSERT(!line.contains('\n'));
        boost::system::error_code ec;
        const auto read = boost::json::parse(line, ec);
        RC_ASSERT(!ec);
        const std::string_view seen = read.get_string();
        if (is_utf8(text)) RC_ASSERT(seen == text);
        RC_ASSERT(is_utf8(seen));
    }));
}

TEST(EmitHeader, RefusesWhatIsNoLine) {
    ::setenv("CHAT_EVENTS_FD", "1000000", 1);
    EXPECT_EQ(emit_line(""), std::errc::invalid_argument);
    EXPECT_EQ(emit_line("a\nb"), std::errc::invalid_argument);
    EXPECT_EQ(emit_line(std::string(line_bytes_max, 'x')), std::errc::message_size);
    EXPECT_EQ(emit_line("{}"), std::errc::bad_file_descriptor);
    ::unsetenv("CHAT_EVENTS_FD");
}

TEST(EmitHeader, FindsNoDescriptorInWhatIsNoNumber) {
    for (const char* text : {"", "x", "3x", "-1", "99999999999999999999", " "}) {
        ::setenv("CHAT_EVENTS_FD", text, 1);
        EXPECT_EQ(detail::events_descriptor(), -1) << '"' << text << '"';
    }
    ::setenv("CHAT_EVENTS_FD", "3", 1);
    EXPECT_EQ(detail::events_descriptor(), 3);
    ::unsetenv("CHAT_EVENTS_FD");
    EXPECT_EQ(detail::events_descriptor(), -1);
}

}  // namespace
}  // namespace headroom::sdk
