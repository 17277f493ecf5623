// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/client_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::inspect {
namespace {

// As Redis 7.0.15 writes it.
constexpr std::string_view listed =
    "id=7 addr=10.0.0.5:41234 laddr=10.0.0.9:6379 fd=8 name=chat:host-1:42:async age=61 idle=3 "
    "flags=P db=0 sub=2 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 "
    "rbs=1024 rbp=0 obl=0 oll=1 omem=20504 tot-mem=42000 events=r cmd=subscribe user=app redir=-1 "
    "resp=3\n"
    "id=9 addr=[::1]:5000 laddr=[::1]:6379 fd=9 name= age=1 idle=1 flags=b db=0 omem=0 events=r "
    "cmd=blpop user=default redir=-1 resp=2\n"
    "id=11 addr=/tmp/r.sock:0 laddr=/tmp/r.sock:0 fd=10 name=worker-7 age=0 idle=0 flags=N db=0 "
    "omem=0 cmd=NULL user=default\n";

std::vector<redis_client> read(std::initializer_list<std::string_view> pieces) {
    std::vector<redis_client> all;
    client_list_reader reader([&all](redis_client one) { all.push_back(std::move(one)); });
    for (const auto piece : pieces)
        reader.on_bytes(piece);
    reader.on_end();
    return all;
}

TEST(ClientList, ReadsWhatAServerTellsOfItsClients) {
    const auto all = read({listed});
    ASSERT_EQ(all.size(), 3U);

    EXPECT_EQ(all[0].id, 7U);
    const auto& ours = all[0].held;
    EXPECT_EQ(ours.origin(), name_origin::ours);
    EXPECT_EQ(ours.ours->prefix, "chat");
    EXPECT_EQ(ours.ours->pid, 42);
    EXPECT_EQ(ours.address, "10.0.0.5");
    EXPECT_EQ(ours.age, seconds(61));
    EXPECT_EQ(ours.idle, seconds(3));
    EXPECT_EQ(ours.state, "pubsub");
    EXPECT_EQ(ours.output_bytes, 20504U);
    EXPECT_EQ(ours.last_command, "subscribe");
    EXPECT_EQ(ours.user, "app");

    EXPECT_EQ(all[1].held.origin(), name_origin::unnamed);
    EXPECT_EQ(all[1].held.address, "::1");
    EXPECT_EQ(all[1].held.state, "blocked");

    EXPECT_EQ(all[2].held.origin(), name_origin::foreign);
    EXPECT_EQ(all[2].held.address, "local");
    EXPECT_EQ(all[2].held.state, "normal");
    EXPECT_EQ(all[2].held.last_command, "") << "NULL: it has said nothing yet";
}

TEST(ClientList, IsTheSameHoweverItWasSplit) {
    for (std::size_t at = 0; at <= listed.size(); ++at) {
        const auto all = read({listed.substr(0, at), listed.substr(at)});
        ASSERT_EQ(all.size(), 3U) << at;
        EXPECT_EQ(all[0].held.name, "chat:host-1:42:async") << at;
        EXPECT_EQ(all[2].held.name, "worker-7") << at;
    }
}

TEST(ClientList, SkipsLinesThatAreNoClients) {
    std::vector<redis_client> all;
    client_list_reader reader([&all](redis_client one) { all.push_back(std::move(one)); });
    reader.on_bytes("what is this\nid= addr=\n\r\nid=5 addr=1.2.3.4:5\r\n");
    reader.on_bytes(std::string(100'000, 'x'));
    reader.on_bytes("\nid=6 age=99999999999999999999\n");
    reader.on_end();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].held.address, "1.2.3.4");
    EXPECT_EQ(all[1].held.age, seconds(0)) << "no number";
    EXPECT_EQ(reader.skipped(), 3U);
}

}  // namespace
}  // namespace headroom::inspect
