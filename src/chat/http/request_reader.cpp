// SPDX-License-Identifier: Apache-2.0
#include "chat/http/request_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "base/assert.hpp"
#include "chat/http/target.hpp"

namespace headroom::chat::http {

namespace beast = boost::beast::http;

struct request_reader::parser : beast::request_parser<beast::string_body> {
    bool has_checked_head = false;
};

namespace {

std::size_t count_of(const beast::fields& fields, beast::field name) {
    const auto [first, last] = fields.equal_range(name);
    return static_cast<std::size_t>(std::distance(first, last));
}

}  // namespace

request_reader::request_reader(limits bounds, std::string peer)
    : bounds_(bounds), peer_(std::move(peer)) {}
request_reader::~request_reader() = default;

bool request_reader::is_between_requests() const {
    return parser_ == nullptr && read_ == held_.size();
}

reading request_reader::refuse(unsigned status, std::string_view code, std::string_view message) {
    refused_ = true;
    keeps_alive_ = false;
    refusal_ = error_response(status, code, message);
    return reading::refused;
}

reading request_reader::push(std::string_view bytes) {
    held_.erase(0, read_);
    read_ = 0;
    held_.append(bytes);
    return proceed();
}

reading request_reader::proceed() {
    if (refused_) return reading::refused;
    if (parser_ == nullptr) {
        // RFC 9112 2.2: empty lines before a request are ignored.
        while (held_.compare(read_, 2, "\r\n") == 0)
            read_ += 2;
        const auto left = held_.size() - read_;
        if (left == 0 || (left == 1 && held_[read_] == '\r')) return reading::needs_more;
        parser_ = std::make_unique<parser>();
        parser_->header_limit(static_cast<std::uint32_t>(bounds_.header_bytes_max));
        parser_->body_limit(bounds_.body_bytes_max);
    }
    while (!parser_->is_done()) {
        if (read_ == held_.size()) return reading::needs_more;
        boost::system::error_code ec;
        read_ += parser_->put(boost::asio::buffer(held_.data() + read_, held_.size() - read_), ec);
        if (ec == beast::error::need_more) return reading::needs_more;
        if (ec == beast::error::header_limit)
            return refuse(431, "headers_too_large", "the request's headers are too large");
        if (ec == beast::error::body_limit)
            return refuse(413, "body_too_large",
                          "the request's body is larger than " +
                              std::to_string(bounds_.body_bytes_max) + " bytes");
        if (ec) return refuse(400, "bad_request", "this is no valid HTTP request: " + ec.message());
        if (parser_->is_header_done() && !parser_->has_checked_head) {
            parser_->has_checked_head = true;
            parser_->eager(true);
            const auto judged = check_head();
            if (judged != reading::complete) return judged;
        }
    }
    return reading::complete;
}

// Whatever two readers of one request could understand differently is refused (RFC 9112 6.3 and
// 11.2).
reading request_reader::check_head() {
    const auto& head = parser_->get();
    const bool is_1_1 = head.version() == 11;
    if (head.version() != 11 && head.version() != 10)
        return refuse(505, "http_version", "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (count_of(head, beast::field::host) > 1 ||
        (is_1_1 && count_of(head, beast::field::host) == 0))
        return refuse(400, "bad_request", "a request names its host once");
    const auto lengths = count_of(head, beast::field::content_length);
    const auto codings = count_of(head, beast::field::transfer_encoding);
    // "3, 3" is legal to accept, but not for everybody in front of us the same.
    const auto length = head[beast::field::content_length];
    if (length.find_first_not_of("0123456789") != length.npos)
        return refuse(400, "bad_request", "Content-Length is one number");
    if (lengths > 1 || codings > 1 || (lengths == 1 && codings == 1))
        return refuse(400, "bad_request",
                      "Content-Length and Transfer-Encoding contradict each other");
    if (codings == 1 &&
        (!is_1_1 || !boost::beast::iequals(head[beast::field::transfer_encoding], "chunked")))
        return refuse(501, "transfer_encoding", "the only transfer encoding is \"chunked\"");

    if (!parse_target(std::string_view(head.target())))
        return refuse(400, "bad_request",
                      "the request's target must be a path, its escapes two hex digits each");

    const auto expected = head[beast::field::expect];
    if (expected.empty() || !is_1_1) return reading::complete;
    if (!boost::beast::iequals(expected, "100-continue"))
        return refuse(417, "expectation_failed", "the only expectation is \"100-continue\"");
    // A client that did not wait needs no answer.
    if (parser_->is_done() || read_ < held_.size()) return reading::complete;
    return reading::expects_continue;
}

request request_reader::take() {
    HEADROOM_ASSERT(parser_ != nullptr && parser_->is_done(), "take() without a complete request");
    auto& message = parser_->get();
    keeps_alive_ = message.keep_alive();
    request taken;
    taken.method = std::string(message.method_string());
    taken.peer = peer_;
    for (const auto& field : message)
        taken.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    taken.body = std::move(message.body());
    if (auto parsed = parse_target(std::string_view(message.target()))) {
        taken.path = std::move(parsed->path);
        taken.query = std::move(parsed->query);
    }
    parser_.reset();
    return taken;
}

}  // namespace headroom::chat::http
