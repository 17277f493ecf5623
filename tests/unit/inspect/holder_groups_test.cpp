// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/holder_groups.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::inspect {
namespace {

holder held(std::string name, server_kind server = server_kind::redis) {
    holder one;
    one.server = server;
    one.ours = parse_client_name(name);
    one.name = std::move(name);
    one.address = "10.0.0.5";
    one.user = "app";
    one.state = "normal";
    return one;
}

TEST(HolderGroups, CountsBothServersTogetherWithTheLargestGroupFirst) {
    holder_groups groups({group_field::service, group_field::kind});
    groups.add(held("chat:a:1:async"));
    groups.add(held("chat:a:2:pg", server_kind::postgres));
    groups.add(held("chat:b:3:pg", server_kind::postgres));
    const auto all = groups.sorted();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].key, (std::vector<std::string>{"chat", "pg"}));
    EXPECT_EQ(all[0].postgres, 2U);
    EXPECT_EQ(all[0].redis, 0U);
    EXPECT_EQ(all[1].redis, 1U);
    EXPECT_EQ(groups.total(server_kind::redis), 1U);
    EXPECT_EQ(groups.total(server_kind::postgres, name_origin::ours), 2U);
}

TEST(HolderGroups, KeepsForeignAndUnnamedConnectionsApartFromOurs) {
    holder_groups groups({group_field::service});
    groups.add(held("chat:a:1:async"));
    groups.add(held("chat"));  // a foreign one that is called like our service
    groups.add(held(""));
    const auto all = groups.sorted();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(groups.total(server_kind::redis, name_origin::foreign), 1U);
    EXPECT_EQ(groups.total(server_kind::redis, name_origin::unnamed), 1U);
}

TEST(HolderGroups, AreMixedWhereNoPartOfTheNameIsAskedFor) {
    holder_groups groups({group_field::address});
    groups.add(held("chat:a:1:async"));
    EXPECT_EQ(groups.sorted()[0].origin, name_origin::ours);
    groups.add(held(""));
    ASSERT_EQ(groups.sorted().size(), 1U);
    EXPECT_EQ(groups.sorted()[0].origin, name_origin::mixed);
}

TEST(HolderGroups, KeepsTheLongestTimesAndTheLatestCommand) {
    holder_groups groups({group_field::user});
    auto old = held("chat:a:1:pg", server_kind::postgres);
    old.age = seconds(100);
    old.idle = seconds(50);
    old.last_command = "BEGIN";
    old.idle_in_transaction_for = seconds(50);
    old.output_bytes = 3;
    auto fresh = held("chat:a:1:async");
    fresh.age = seconds(10);
    fresh.idle = seconds(1);
    fresh.last_command = "get";
    fresh.output_bytes = 4;
    groups.add(old);
    groups.add(fresh);
    const auto all = groups.sorted();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].age_max, seconds(100));
    EXPECT_EQ(all[0].idle_max, seconds(50));
    EXPECT_EQ(all[0].idle_in_transaction_max, seconds(50));
    EXPECT_EQ(all[0].output_bytes, 7U);
    EXPECT_EQ(all[0].last_command, "get");
}

TEST(HolderGroups, CountsWhatHasNoPlaceAnyMore) {
    holder_groups groups({group_field::service}, 2);
    for (const auto* name : {"a", "b", "c", "a", "d"})
        groups.add(held(name));
    EXPECT_EQ(groups.sorted().size(), 2U);
    EXPECT_EQ(groups.beyond(), 2U);
    EXPECT_EQ(groups.total(server_kind::redis), 5U);
}

TEST(GroupField, IsReadFromItsOwnWord) {
    for (const auto field : all_group_fields())
        EXPECT_EQ(parse_group_field(to_string(field)), field);
    EXPECT_FALSE(parse_group_field("pid"));
    EXPECT_FALSE(parse_group_field(""));
}

}  // namespace
}  // namespace headroom::inspect
