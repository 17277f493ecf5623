// SPDX-License-Identifier: Apache-2.0
#include "headroom/holders/holder_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::tool {
namespace {

using inspect::holder_group;
using inspect::name_origin;
using inspect::seconds;

holder_group group_of(const char* name, std::uint64_t redis, std::uint64_t postgres, int age) {
    holder_group made;
    made.key = {name};
    made.redis = redis;
    made.postgres = postgres;
    made.age_max = seconds(age);
    return made;
}

std::vector<holder_group> three() {
    auto ann = group_of("ann", 9, 0, 5);
    auto bob = group_of("bob", 2, 3, 50);
    auto cid = group_of("cid", 2, 4, 7);
    ann.output_bytes = 1;
    bob.idle_in_transaction_max = seconds(0);
    cid.idle_max = seconds(3);
    return {bob, cid, ann};
}

std::string sorted_by(holder_order order, bool is_reversed = false) {
    auto all = three();
    sort_groups(all, order, is_reversed);
    std::string initials;
    for (const auto& one : all)
        initials += one.key.front().front();
    return initials;
}

TEST(HolderOrder, PutsTheMostFirst) {
    EXPECT_EQ(sorted_by(holder_order::connections), "acb");
    EXPECT_EQ(sorted_by(holder_order::postgres), "cba");
    EXPECT_EQ(sorted_by(holder_order::age), "bca");
    EXPECT_EQ(sorted_by(holder_order::name), "abc");
}

TEST(HolderOrder, PutsEqualOnesInTheOrderOfTheirNames) {
    EXPECT_EQ(sorted_by(holder_order::redis), "abc");
    EXPECT_EQ(sorted_by(holder_order::idle), "cab");
    EXPECT_EQ(sorted_by(holder_order::output_buffer), "abc");
    EXPECT_EQ(sorted_by(holder_order::idle, true), "abc");
}

TEST(HolderOrder, ReversesTheOrderOfNamesToo) {
    EXPECT_EQ(sorted_by(holder_order::connections, true), "bca");
    EXPECT_EQ(sorted_by(holder_order::name, true), "cba");
}

TEST(HolderOrder, CountsNoTransactionAsLessThanOneThatJustBecameIdle) {
    EXPECT_EQ(sorted_by(holder_order::in_transaction), "bac");
}

TEST(HolderOrder, PutsAForeignConnectionBehindTheServiceOfItsName) {
    auto foreign = group_of("chat", 1, 0, 0);
    auto ours = foreign;
    foreign.origin = name_origin::foreign;
    ours.origin = name_origin::ours;
    std::vector<holder_group> all{foreign, ours};
    sort_groups(all, holder_order::name);
    EXPECT_EQ(all.front().origin, name_origin::ours);
}

TEST(HolderOrder, GoesRoundInBothDirectionsAndReadsItsOwnWords) {
    auto order = holder_order::connections;
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(previous(next(order)), order);
        EXPECT_EQ(parse_holder_order(std::string(to_string(order))), order);
        order = next(order);
    }
    EXPECT_EQ(order, holder_order::connections);
}

TEST(HolderOrder, RefusesAWordWithWhatThereIs) {
    EXPECT_EQ(parse_holder_order("size").error(),
              "--sort size: one of connections, redis, postgres, age, idle, in_tx, output_buffer, "
              "name is expected");
}

}  // namespace
}  // namespace headroom::tool
