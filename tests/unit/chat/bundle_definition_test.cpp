// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/bundle_definition.hpp"

#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

bundle_definition greeter() {
    return {.name = "my-greeter",
            .summary = "Greets.",
            .settings = {{.key = "WORD", .default_text = "hello", .meaning = "how it greets"},
                         {.key = "TIMES",
                          .default_text = "1",
                          .meaning = "how often",
                          .check = [](std::string_view value) -> std::optional<std::string> {
                              if (value == "1" || value == "2") return std::nullopt;
                              return "1 or 2";
                          }}},
            .make = {}};
}

config::settings with(config::bundle_settings given,
                      std::vector<std::string> names = {"my-greeter"}) {
    config::settings made;
    made.bundles = std::move(names);
    made.of_bundles = std::move(given);
    return made;
}

TEST(BundleDefinition, KnowsTheBundlesThatComeWithIt) {
    std::vector<std::string> names;
    for (const auto& each : known_bundles({greeter()}))
        names.push_back(each.name);
    EXPECT_EQ(names, (std::vector<std::string>{"echo", "clock", "code", "my-greeter"}));
}

TEST(BundleDefinition, GivesDefaultsWhereTheEnvironmentGivesNothing) {
    EXPECT_EQ(values_of(greeter(), with({})), (bundle_values{{"TIMES", "1"}, {"WORD", "hello"}}));
}

TEST(BundleDefinition, TakesItsSettingsFromTheEnvironmentByItsNameInCapitals) {
    EXPECT_EQ(setting_prefix("my-greeter"), "CHAT_BUNDLE_MY_GREETER_");
    const auto given = with({{"MY_GREETER", {{"TIMES", "2"}}}});
    EXPECT_TRUE(check_bundles(given, {greeter()}).empty());
    EXPECT_EQ(values_of(greeter(), given).at("TIMES"), "2");
}

TEST(BundleDefinition, TellsEveryFaultAtOnce) {
    const auto faults = check_bundles(
        with({{"MY_GREETER", {{"TIMES", "3"}, {"TONE", "low"}}}, {"ORACLE", {{"MOOD", "dark"}}}},
             {"my-greeter", "nobody"}),
        {greeter()});
    ASSERT_EQ(faults.size(), 4U);
    EXPECT_EQ(faults[0].name, "CHAT_BUNDLES");
    EXPECT_EQ(faults[0].found, "nobody");
    EXPECT_EQ(faults[0].expected, "names of bundles: my-greeter");
    EXPECT_EQ(faults[1].name, "CHAT_BUNDLE_MY_GREETER_TIMES");
    EXPECT_EQ(faults[1].expected, "1 or 2");
    EXPECT_EQ(faults[2].name, "CHAT_BUNDLE_MY_GREETER_TONE");
    EXPECT_EQ(faults[2].advice,
              "it has these: CHAT_BUNDLE_MY_GREETER_WORD, CHAT_BUNDLE_MY_GREETER_TIMES");
    EXPECT_EQ(faults[3].name, "CHAT_BUNDLE_ORACLE_MOOD");
}

}  // namespace
}  // namespace headroom::chat
