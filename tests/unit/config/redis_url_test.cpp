// SPDX-License-Identifier: Apache-2.0
// Redis URLs, read and written.
#include "config/redis_url.hpp"

#include <gtest/gtest.h>

namespace headroom::config {
namespace {

redis_url parsed(std::string_view text) {
    auto url = parse_redis_url(text);
    if (url) return *url;
    ADD_FAILURE() << text << ": " << url.error();
    return {};
}

TEST(RedisUrl, HasAHostAndFurtherPartsAtWill) {
    EXPECT_EQ(parsed("redis://cache"), (redis_url{.address = tcp_address{"cache", 6379}}));
    EXPECT_EQ(parsed("redis://cache/"), parsed("redis://cache"));
    EXPECT_EQ(parsed("redis://me:pw@10.0.0.1:7000/2"),
              (redis_url{.address = tcp_address{"10.0.0.1", 7000},
                         .username = "me",
                         .password = secret("pw"),
                         .database = 2}));
    EXPECT_EQ(parsed("redis://:pw@cache").password.reveal(), "pw");
    EXPECT_EQ(parsed("redis://cache?db=4").database, 4U);
}

TEST(RedisUrl, AsksForTlsWithADoubleS) {
    EXPECT_TRUE(parsed("rediss://cache:6380").tls);
}

TEST(RedisUrl, ReadsAnIpv6AddressInBrackets) {
    EXPECT_EQ(parsed("redis://[::1]:7").address, (redis_address(tcp_address{"::1", 7})));
    EXPECT_EQ(parsed("redis://[fe80::1]").address, (redis_address(tcp_address{"fe80::1", 6379})));
}

TEST(RedisUrl, DecodesPercentSigns) {
    const redis_url url = parsed("redis://m%3Ae:p%40s%2Fs%25@cache");
    EXPECT_EQ(url.username, "m:e");
    EXPECT_EQ(url.password.reveal(), "p@s/s%");
}

TEST(RedisUrl, EndsThePasswordAtTheLastAt) {
    EXPECT_EQ(parsed("redis://:p@ss@cache").password.reveal(), "p@ss");
}

TEST(RedisUrl, NamesSentinelsAndThePrimaryTheyKnow) {
    const redis_url url = parsed("redis+sentinel://me:pw@a:1,[::1],10.0.0.1:2/shop.eu/3");
    EXPECT_EQ(url.address, redis_address(sentinel_address{
                               {{"a", 1}, {"::1", 26379}, {"10.0.0.1", 2}}, "shop.eu"}));
    EXPECT_EQ(url.username, "me");
    EXPECT_EQ(url.password.reveal(), "pw");
    EXPECT_EQ(url.database, 3U);
    EXPECT_FALSE(url.tls);
    EXPECT_TRUE(parsed("rediss+sentinel://a/shop").tls);
}

TEST(RedisUrl, WritesSentinelsThatItReadsBack) {
    const sentinel_address at{{{"a", 1}, {"::1", 26379}}, "shop"};
    EXPECT_EQ(sentinel_redis_url(at, false, 0), "redis+sentinel://a:1,[::1]:26379/shop");
    const auto back = parsed(sentinel_redis_url(at, true, 7));
    EXPECT_EQ(back.address, redis_address(at));
    EXPECT_EQ(back.database, 7U);
    EXPECT_TRUE(back.tls);
}

TEST(RedisUrl, TakesSixteenSentinelsAndNoMore) {
    std::string hosts = "s1";
    for (int i = 2; i <= 16; ++i)
        hosts += ",s" + std::to_string(i);
    EXPECT_TRUE(parse_redis_url("redis+sentinel://" + hosts + "/shop"));
    const auto refused = parse_redis_url("redis+sentinel://" + hosts + ",s17/shop");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), "it names more than 16 sentinels");
}

TEST(RedisUrl, NamesASocketByItsAbsolutePath) {
    const redis_url url = parsed("unix://:pw@/run/my%20redis.sock?db=3");
    EXPECT_EQ(std::get<unix_address>(url.address).path, "/run/my redis.sock");
    EXPECT_EQ(url.password.reveal(), "pw");
    EXPECT_EQ(url.database, 3U);
}

TEST(RedisUrl, RefusesAZeroByteWrittenPlainlyOrEscaped) {
    using namespace std::string_view_literals;
    EXPECT_EQ(parse_redis_url("unix:///run/re\0dis.sock"sv).error(), "it holds a zero byte");
    EXPECT_FALSE(parse_redis_url("unix:///run/re%00dis.sock").has_value());
}

TEST(RedisUrl, WritesASocketThatItReadsBack) {
    const std::string path = "/tmp/a b%c?d#e@\xC3\xA9/redis.sock";
    EXPECT_EQ(std::get<unix_address>(parsed(unix_redis_url(path)).address).path, path);
}

TEST(RedisUrl, RefusesWhatIsNoUrlAndRepeatsNoneOfIt) {
    for (const std::string text : {"",
                                   "zzz",
                                   "zzz:6379",
                                   "http://zzz",
                                   "redis:zzz",
                                   "redis://",
                                   "redis://:6379",
                                   "redis://zzz:0",
                                   "redis+sentinel://zzz",
                                   "redis+sentinel://zzz/",
                                   "redis+sentinel:///zzz",
                                   "redis+sentinel://zzz,/zz",
                                   "redis+sentinel://zzz:x/zz",
                                   "redis+sentinel://zzz/z%20z",
                                   "redis+sentinel://zzz/zz/zz",
                                   "redis+sentinel://zzz/zz/1?db=2",
                                   "redis://zzz:65536",
                                   "redis://zzz:",
                                   "redis://zzz:6379x",
                                   "redis://zzz/-1",
                                   "redis://zzz/zz",
                                   "redis://zzz/1/2",
                                   "redis://zzz/65536",
                                   "redis://zzz/1?db=2",
                                   "redis://zzz?zz=1",
                                   "redis://zzz@host",
                                   "redis://zzz:p%4@host",
                                   "redis://zzz:p%zz@host",
                                   "redis://zzz:%00@host",
                                   "redis://zzz:a/b@host",
                                   "redis://zzz:a#b@host",
                                   "redis://[zzz]:1",
                                   "redis://[::1",
                                   "redis://[::1]zzz",
                                   "redis://z z",
                                   "redis://a,b<zzz>",
                                   "unix://zzz",
                                   "unix://run/zzz",
                                   "unix:///",
                                   "unix:///zzz?db=x",
                                   "unix:///%zz"}) {
        const auto url = parse_redis_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().find("zz"), std::string::npos) << url.error();
    }
    EXPECT_FALSE(parse_redis_url("unix:///" + std::string(107, 'a')));
    EXPECT_TRUE(parse_redis_url("unix:///" + std::string(106, 'a')));
}

}  // namespace
}  // namespace headroom::config
