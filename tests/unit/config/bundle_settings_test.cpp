// SPDX-License-Identifier: Apache-2.0
// Variables that bundles bring: CHAT_BUNDLE_<NAME>_<KEY>.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "config/bundle_variable.hpp"
#include "config/variable_table.hpp"
#include "configuration.hpp"

namespace headroom::config {
namespace {

TEST(BundleSettings, AreCollectedByBundleAndKey) {
    const bundle_settings of = accepted({{"CHAT_BUNDLE_ECHO_PACE", "slow"},
                                         {"CHAT_BUNDLE_ECHO_MAX_CHARS", "9"},
                                         {"CHAT_BUNDLE_ORACLE_MOOD", "dark"},
                                         {"CHAT_BUNDLE_ORACLE_UNSET", ""},
                                         {"CHAT_BUNDLES", "echo"}})
                                   .of_bundles;
    EXPECT_EQ(of, (bundle_settings{{"ECHO", {{"PACE", "slow"}, {"MAX_CHARS", "9"}}},
                                   {"ORACLE", {{"MOOD", "dark"}}}}));
}

TEST(BundleSettings, BelongToTheBundleWithTheLongestNameThatFits) {
    const environment given{{"CHAT_BUNDLES", "my,my-greeter"},
                            {"CHAT_BUNDLE_MY_GREETER_WORD", "hello"},
                            {"CHAT_BUNDLE_MY_GREETING", "hi"}};
    EXPECT_EQ(accepted(given).of_bundles,
              (bundle_settings{{"MY", {{"GREETING", "hi"}}}, {"MY_GREETER", {{"WORD", "hello"}}}}));
}

TEST(BundleSettings, RefuseNamesThatAreNotOfTheForm) {
    for (const std::string name :
         {"CHAT_BUNDLE_", "CHAT_BUNDLE_ECHO", "CHAT_BUNDLE_ECHO_", "CHAT_BUNDLE__PACE",
          "CHAT_BUNDLE_echo_PACE", "CHAT_BUNDLE_ECHO_PA-CE"}) {
        EXPECT_EQ(fault_names({{name, "1"}}), names{name});
    }
    EXPECT_EQ(fault_names({{"CHAT_BUNDLE_A_" + std::string(127, 'B'), "1"}}).size(), 1U);
}

TEST(BundleSettings, AreBounded) {
    EXPECT_EQ(fault_names({{"CHAT_BUNDLE_ECHO_PACE", std::string(4097, 'x')}}),
              names{"CHAT_BUNDLE_ECHO_PACE"});
    EXPECT_EQ(fault_names({{"CHAT_BUNDLE_ECHO_PACE", std::string(4096, 'x')}}), names{});
    environment many;
    for (int i = 0; i < 256; ++i)
        many.emplace(fmt::format("CHAT_BUNDLE_ECHO_N{}", i), "1");
    EXPECT_EQ(fault_names(many), names{});
    many.emplace("CHAT_BUNDLE_ECHO_ONE_MORE", "1");
    EXPECT_EQ(fault_names(many), names{"CHAT_BUNDLE_<NAME>_<KEY>"});
}

TEST(BundleSettings, RefuseControlCharactersAlsoInSecrets) {
    EXPECT_EQ(fault_names({{"CHAT_BUNDLE_ECHO_PACE", "a\nb"}, {"CHAT_BUNDLE_ECHO_TOKEN", "c\td"}}),
              (names{"CHAT_BUNDLE_ECHO_PACE", "CHAT_BUNDLE_ECHO_TOKEN"}));
}

TEST(BundleSettings, AreShownWithTheirValuesButForSecrets) {
    const settings of = accepted({{"CHAT_BUNDLE_ECHO_PACE", "slow"},
                                  {"CHAT_BUNDLE_ECHO_API_KEY", "hunter2"},
                                  {"CHAT_BUNDLE_ECHO_CLIENT_SECRET", "hunter2"},
                                  {"CHAT_BUNDLE_ECHO_TOKEN", "hunter2"},
                                  {"CHAT_BUNDLE_ECHO_DB_PASSWORD", "hunter2"}});
    std::map<std::string, std::string> shown;
    for (const resolved_setting& one : of.resolved) {
        if (one.name.starts_with("CHAT_BUNDLE_")) shown.emplace(one.name, one.value);
    }
    EXPECT_EQ(shown,
              (std::map<std::string, std::string>{{"CHAT_BUNDLE_ECHO_PACE", "slow"},
                                                  {"CHAT_BUNDLE_ECHO_API_KEY", "(hidden)"},
                                                  {"CHAT_BUNDLE_ECHO_CLIENT_SECRET", "(hidden)"},
                                                  {"CHAT_BUNDLE_ECHO_TOKEN", "(hidden)"},
                                                  {"CHAT_BUNDLE_ECHO_DB_PASSWORD", "(hidden)"}}));
    EXPECT_EQ(shown_value("CHAT_BUNDLE_ECHO_TOKEN", "hunter2"), "(hidden)")
        << "also in the faults that bundles find";
}

}  // namespace
}  // namespace headroom::config
