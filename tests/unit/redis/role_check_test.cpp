// SPDX-License-Identifier: Apache-2.0
#include "redis/core/role_check.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::redis {
namespace {

using end = sentinel_watch::dial_end;

value text(value_kind kind, std::string_view of) {
    value v;
    v.kind = kind;
    v.text = of;
    return v;
}

value role(std::string_view word) {
    value v;
    v.kind = value_kind::array;
    v.items.push_back(text(value_kind::string, word));
    return v;
}

TEST(RoleCheck, TakesAPrimary) {
    const auto verdict = check_role(role("master"));
    EXPECT_TRUE(verdict.refusal.empty());
    EXPECT_FALSE(verdict.is_about_rights);
}

// A demoted primary still answers, and PUBLISH there reaches nobody.
TEST(RoleCheck, RefusesAReplicaSoThatTheSentinelsAreAskedAgain) {
    const auto verdict = check_role(role("slave"));
    EXPECT_EQ(verdict.refusal, "is a replica");
    EXPECT_EQ(verdict.end, end::no_primary);
}

TEST(RoleCheck, RefusesASentinelByItsWord) {
    EXPECT_EQ(check_role(role("sentinel")).refusal, "is a sentinel");
}

TEST(RoleCheck, SaysWhichRightIsMissing) {
    const auto verdict =
        check_role(text(value_kind::error, "NOPERM this user has no permissions to run 'role'"));
    EXPECT_TRUE(verdict.is_about_rights);
    EXPECT_NE(verdict.refusal.find("+role"), std::string::npos);
}

TEST(RoleCheck, RefusesWhatNoRedisAnswers) {
    EXPECT_EQ(check_role(text(value_kind::error, "ERR unknown command")).end, end::unreachable);
    EXPECT_EQ(check_role(text(value_kind::string, "master")).end, end::unreachable);
    value empty;
    empty.kind = value_kind::array;
    EXPECT_EQ(check_role(empty).end, end::unreachable);
}

}  // namespace
}  // namespace headroom::redis
