// SPDX-License-Identifier: Apache-2.0
#include "redis/core/shared_book.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::redis {
namespace {

using outcome = call_failure::outcome;

value text(std::string what) {
    value v;
    v.kind = value_kind::string;
    v.text = std::move(what);
    return v;
}

value refusal(std::string what) {
    auto v = text(std::move(what));
    v.kind = value_kind::error;
    return v;
}

// One thread with one command and room for its reply.
struct person {
    explicit person(std::string_view says, std::size_t times = 1)
        : commands(times, command("ECHO", says)),
          replies(times),
          call(commands, replies.data(), deadline::max()) {}
    std::vector<command> commands;
    std::vector<value> replies;
    shared_call call;
};

std::vector<const shared_call*> all_of(shared_call_list& list) {
    std::vector<const shared_call*> found;
    while (const auto* each = list.pop_front())
        found.push_back(each);
    return found;
}

class SharedBook : public testing::Test {
protected:
    // Everything queued is encoded and leaves for the server.
    void send_all() {
        std::string out;
        book.encode_queued(out);
        book.on_sent(out.size());
    }
    shared_book book;
    shared_call_list ended;
    person ann{"ann"};
    person bob{"bob"};
    person cid{"cid"};
};

TEST_F(SharedBook, WritesWhatHasQueuedAsOneRunOfBytesInOrder) {
    book.queue(ann.call);
    book.queue(bob.call);
    EXPECT_EQ(book.outstanding(), 2U);
    EXPECT_EQ(book.bytes_queued(), ann.call.bytes + bob.call.bytes);
    std::string out;
    book.encode_queued(out);
    EXPECT_EQ(out, "*2\r\n$4\r\nECHO\r\n$3\r\nann\r\n*2\r\n$4\r\nECHO\r\n$3\r\nbob\r\n");
    EXPECT_FALSE(book.has_queued());
    EXPECT_EQ(book.bytes_queued(), 0U);
    EXPECT_EQ(book.due(), 2U);
}

TEST_F(SharedBook, GivesEachReplyToTheOldestCallThatIsOwedOne) {
    person two("two", 2);
    book.queue(two.call);
    book.queue(ann.call);
    send_all();
    EXPECT_FALSE(book.on_reply(text("1"), ended));
    EXPECT_TRUE(ended.empty());
    EXPECT_FALSE(book.on_reply(text("2"), ended));
    EXPECT_FALSE(book.on_reply(text("3"), ended));
    EXPECT_EQ(all_of(ended), (std::vector<const shared_call*>{&two.call, &ann.call}));
    EXPECT_EQ(two.replies.at(0).text + two.replies.at(1).text, "12");
    EXPECT_EQ(ann.replies.at(0).text, "3");
    EXPECT_TRUE(two.call.has_ended && ann.call.has_ended);
    EXPECT_TRUE(book.empty());
}

TEST_F(SharedBook, SwallowsTheReplyOfACallThatGaveUp) {
    book.queue(ann.call);
    book.queue(bob.call);
    send_all();
    book.withdraw(ann.call, "late");
    EXPECT_EQ(ann.call.failure->what, outcome::unknown);
    EXPECT_EQ(book.oldest(), &bob.call);
    EXPECT_FALSE(book.on_reply(text("for ann"), ended));
    EXPECT_FALSE(book.on_reply(text("for bob"), ended));
    EXPECT_EQ(all_of(ended), std::vector<const shared_call*>{&bob.call});
    EXPECT_EQ(bob.replies.at(0).text, "for bob");
    EXPECT_TRUE(ann.replies.at(0).is_null());
}

TEST_F(SharedBook, SwallowsTheRestOfACallThatGaveUpHalfAnswered) {
    person two("two", 2);
    book.queue(two.call);
    book.queue(ann.call);
    send_all();
    EXPECT_FALSE(book.on_reply(text("1"), ended));
    book.withdraw(two.call, "late");
    EXPECT_FALSE(book.on_reply(text("2"), ended));
    EXPECT_FALSE(book.on_reply(text("3"), ended));
    EXPECT_EQ(ann.replies.at(0).text, "3");
    EXPECT_TRUE(two.replies.at(1).is_null());
}

TEST_F(SharedBook, WritesNothingOfACallThatGaveUpInTheQueue) {
    book.queue(ann.call);
    book.queue(bob.call);
    book.withdraw(ann.call, "late");
    EXPECT_EQ(ann.call.failure->what, outcome::not_sent);
    EXPECT_EQ(book.outstanding(), 1U);
    std::string out;
    book.encode_queued(out);
    EXPECT_EQ(out.find("ann"), std::string::npos);
    EXPECT_EQ(out.size(), bob.call.bytes);
}

TEST_F(SharedBook, KeepsTheDebtToThoseWhoGaveUpInMind) {
    book.queue(ann.call);
    send_all();
    book.withdraw(ann.call, "late");
    EXPECT_EQ(book.oldest(), nullptr);
    EXPECT_FALSE(book.empty());
    EXPECT_EQ(book.due(), 1U);
}

TEST_F(SharedBook, TellsApartWhatMayHaveRunWhenTheConnectionIsLost) {
    book.queue(ann.call);
    book.queue(bob.call);
    std::string out;
    book.encode_queued(out);
    book.on_sent(ann.call.bytes);  // not a byte of bob's
    book.queue(cid.call);
    auto unsent = book.lose({outcome::unknown, "gone"}, ended);
    EXPECT_EQ(all_of(ended), std::vector<const shared_call*>{&ann.call});
    EXPECT_EQ(ann.call.failure->what, outcome::unknown);
    EXPECT_EQ(ann.call.failure->detail, "gone");
    EXPECT_EQ(all_of(unsent), (std::vector<const shared_call*>{&bob.call, &cid.call}));
    EXPECT_FALSE(bob.call.failure || cid.call.failure || bob.call.has_ended);
    EXPECT_TRUE(book.empty());
}

TEST_F(SharedBook, CountsOneByteThatLeftAsPerhapsRun) {
    book.queue(ann.call);
    std::string out;
    book.encode_queued(out);
    book.on_sent(1);
    EXPECT_TRUE(book.lose({outcome::unknown, "gone"}, ended).empty());
    EXPECT_EQ(ann.call.failure->what, outcome::unknown);
}

TEST_F(SharedBook, TakesACallAgainAfterItsConnectionWasLost) {
    book.queue(ann.call);
    std::string out;
    book.encode_queued(out);
    auto unsent = book.lose({outcome::unknown, "gone"}, ended);
    shared_book other;
    other.queue(*unsent.pop_front());
    out.clear();
    other.encode_queued(out);
    other.on_sent(out.size());
    EXPECT_FALSE(other.on_reply(text("ann"), ended));
    EXPECT_EQ(ann.replies.at(0).text, "ann");
}

TEST_F(SharedBook, RefusesAReplyToNoCommand) {
    const auto stray = book.on_reply(text("surprise"), ended);
    ASSERT_TRUE(stray.has_value());
    EXPECT_FALSE(stray->is_error);
    EXPECT_TRUE(ended.empty());
}

TEST_F(SharedBook, PassesOnWhyTheServerHangsUpUnasked) {
    const auto stray = book.on_reply(refusal("ERR max number of clients reached"), ended);
    ASSERT_TRUE(stray.has_value());
    EXPECT_TRUE(stray->is_error);
    EXPECT_EQ(stray->detail, "ERR max number of clients reached");
}

TEST_F(SharedBook, EndsACallAsNotSentWhenTheAnswerComesBeforeTheQuestion) {
    book.queue(ann.call);
    std::string out;
    book.encode_queued(out);  // and nothing of it sent
    EXPECT_TRUE(book.on_reply(text("early"), ended).has_value());
    EXPECT_EQ(all_of(ended), std::vector<const shared_call*>{&ann.call});
    EXPECT_EQ(ann.call.failure->what, outcome::not_sent);
    EXPECT_TRUE(ann.replies.at(0).is_null());
}

// Its own answer, which is still to come, would go to whoever asked next.
TEST_F(SharedBook, TakesNoReplyForOneWhoGaveUpBeforeHisRequestWasSent) {
    book.queue(ann.call);
    std::string out;
    book.encode_queued(out);  // and nothing of it sent
    book.withdraw(ann.call, "too late");
    EXPECT_TRUE(book.on_reply(text("early"), ended).has_value());
    EXPECT_TRUE(ended.empty());
}

}  // namespace
}  // namespace headroom::redis
