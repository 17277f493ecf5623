// SPDX-License-Identifier: Apache-2.0
// The framing of HTTP requests, byte by byte, and what is refused. No sockets.
#include "chat/http/request_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::chat::http {
namespace {

constexpr request_reader::limits small{.header_bytes_max = 512, .body_bytes_max = 64};

// What was read of `bytes`, pushed in pieces of `piece` bytes: "POST /a 5", and how it ended.
std::vector<std::string> read_all(std::string_view bytes, std::size_t piece) {
    request_reader reader(small, "peer");
    std::vector<std::string> seen;
    while (!bytes.empty()) {
        auto now = reader.push(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        while (now != reading::needs_more) {
            if (now == reading::refused) {
                seen.push_back("refused " + std::to_string(reader.refusal().status));
                return seen;
            }
            if (now == reading::complete) {
                const auto taken = reader.take();
                seen.push_back(taken.method + ' ' + taken.path + ' ' + taken.body);
            }
            now = reader.proceed();
        }
    }
    return seen;
}

std::vector<std::string> read_all(std::string_view bytes) {
    return read_all(bytes, bytes.size());
}

using seen = std::vector<std::string>;

TEST(RequestReader, GivesTheSameRequestsForEverySplit) {
    const std::string bytes =
        "POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
        "\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
        "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    const seen expected{"POST /a hello", "GET /b ", "POST /c abcde"};
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
        EXPECT_EQ(read_all(bytes, piece), expected) << "pieces of " << piece;
}

TEST(RequestReader, RefusesWhatTwoReadersCouldReadDifferently) {
    const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
    const auto bad = [&](std::string_view headers) {
        return read_all(post + std::string(headers));
    };
    const seen refused{"refused 400"};
    EXPECT_EQ(bad("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), refused);
    EXPECT_EQ(bad("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), refused);
    EXPECT_EQ(bad("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), refused);
    EXPECT_EQ(bad("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), refused);
    EXPECT_EQ(bad("Content-Length: +3\r\n\r\nabc"), refused);
    EXPECT_EQ(bad("Content-Length: 3, 3\r\n\r\nabc"), refused);
    EXPECT_EQ(bad("Content-Length : 3\r\n\r\nabc"), refused);
    EXPECT_EQ(bad("Host: other\r\n\r\n"), refused);
    EXPECT_EQ(bad("Transfer-Encoding: chunked\r\n\r\nx\r\n"), refused);
    EXPECT_EQ(read_all("GET / HTTP/1.1\r\n\r\n"), refused);  // no Host
    EXPECT_EQ(read_all("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              seen{"refused 501"});
    EXPECT_EQ(bad("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), seen{"refused 501"});
    EXPECT_EQ(bad("Transfer-Encoding: gzip\r\n\r\n"), seen{"refused 501"});
}

TEST(RequestReader, RefusesWhatIsNoPathOfOurs) {
    for (const auto* target : {"http://h/", "*", "/%zz", "/%4", "/a%00b", "/?x=%0"})
        EXPECT_EQ(read_all("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"),
                  seen{"refused 400"})
            << target;
    EXPECT_EQ(read_all("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
              seen{"refused 400"});  // TLS on a plain port
}

TEST(RequestReader, BoundsHeadersAndBodies) {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
    EXPECT_EQ(read_all(head + "X: " + std::string(600, 'x')), seen{"refused 431"});
    EXPECT_EQ(read_all(head + "X: " + std::string(600, 'x'), 1), seen{"refused 431"});
    EXPECT_EQ(read_all(head + "Content-Length: 65\r\n\r\n"), seen{"refused 413"});
    EXPECT_EQ(read_all(head + "Content-Length: 64\r\n\r\n" + std::string(64, 'x')),
              seen{"POST / " + std::string(64, 'x')});
    EXPECT_EQ(read_all(head + "Transfer-Encoding: chunked\r\n\r\n41\r\n" + std::string(65, 'x')),
              seen{"refused 413"});
}

TEST(RequestReader, TellsOnceThatAClientWaitsForContinue) {
    request_reader reader(small, "peer");
    auto now = reader.push(
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(now, reading::expects_continue);
    EXPECT_EQ(reader.proceed(), reading::needs_more);
    EXPECT_EQ(reader.push("ok"), reading::complete);
    EXPECT_EQ(reader.take().body, "ok");
    now = reader.push("GET / HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n");
    EXPECT_EQ(now, reading::refused);
    EXPECT_EQ(reader.refusal().status, 417U);
}

TEST(RequestReader, KnowsWhenTheConnectionLivesOn) {
    request_reader reader(small, "peer");
    ASSERT_EQ(reader.push("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), reading::complete);
    (void)reader.take();
    EXPECT_TRUE(reader.keeps_alive());
    EXPECT_TRUE(reader.is_between_requests());
    ASSERT_EQ(reader.push("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              reading::complete);
    (void)reader.take();
    EXPECT_FALSE(reader.keeps_alive());
    ASSERT_EQ(reader.push("GET / HTTP/1.0\r\n\r\n"), reading::complete);
    (void)reader.take();
    EXPECT_FALSE(reader.keeps_alive());
}

TEST(RequestReader, DecodesPathAndQuery) {
    request_reader reader(small, "peer");
    ASSERT_EQ(reader.push("GET /a%20b?x=1%262&y=a+b&&z HTTP/1.1\r\nHost: h\r\n\r\n"),
              reading::complete);
    const auto taken = reader.take();
    EXPECT_EQ(taken.path, "/a b");
    EXPECT_EQ(taken.query_value("x"), "1&2");
    EXPECT_EQ(taken.query_value("y"), "a b");
    EXPECT_EQ(taken.query_value("z"), "");
    EXPECT_EQ(taken.query_value("w"), std::nullopt);
    EXPECT_EQ(taken.header("HOST"), "h");
}

}  // namespace
}  // namespace headroom::chat::http
