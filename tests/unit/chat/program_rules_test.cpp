// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/program_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

execution_request request() {
    execution_request what;
    what.execution_id = "e1";
    what.program = {.language = "bash", .source = "echo"};
    return what;
}

std::string fault(const execution_request& what) {
    return fault_of(what).value_or("none");
}

TEST(ProgramRules, AcceptSourceInALanguageOrAProgramWithArguments) {
    EXPECT_EQ(fault(request()), "none");
    auto what = request();
    what.program = {.arguments = {"/usr/bin/env", ""}};
    EXPECT_EQ(fault(what), "none") << "an argument may be empty";
}

TEST(ProgramRules, RefuseBothAndNeither) {
    auto both = request();
    both.program.arguments = {"ls"};
    EXPECT_THAT(fault(both), HasSubstr("exactly one"));
    auto neither = request();
    neither.program = {};
    EXPECT_THAT(fault(neither), HasSubstr("exactly one"));
    auto source_only = request();
    source_only.program = {.source = "echo", .arguments = {"ls"}};
    EXPECT_THAT(fault(source_only), HasSubstr("needs a language"));
}

TEST(ProgramRules, NameTheLanguagesThatThereAre) {
    auto what = request();
    what.program.language = "cobol\n";
    EXPECT_THAT(fault(what), HasSubstr("bash, python3"));
    EXPECT_THAT(fault(what), Not(HasSubstr("\n")));
}

TEST(ProgramRules, RefuseAnIdThatIsNoneOfAConnectionsName) {
    for (const auto* id : {"", "a b", "a:b", "../x", "0123456789012345678901234567890123456789x"}) {
        auto what = request();
        what.execution_id = id;
        EXPECT_THAT(fault(what), HasSubstr("execution_id")) << id;
    }
}

TEST(ProgramRules, RefuseArgumentsThatAProcessCannotTake) {
    auto nul = request();
    nul.program = {.arguments = {std::string("a\0b", 3)}};
    EXPECT_THAT(fault(nul), HasSubstr("NUL"));
    auto nameless = request();
    nameless.program = {.arguments = {"", "x"}};
    EXPECT_THAT(fault(nameless), HasSubstr("empty"));
    auto many = request();
    many.program = {.arguments = std::vector<std::string>(201, "x")};
    EXPECT_THAT(fault(many), HasSubstr("at most 200"));
    auto large = request();
    large.program = {.arguments = {"x", std::string(128UL * 1024, 'x')}};
    EXPECT_THAT(fault(large), HasSubstr("at most 200 of 131072"));
}

TEST(ProgramRules, RefuseVariablesOfTheLoaderAndTheExecutor) {
    for (const auto* name : {"LD_PRELOAD", "CHAT_EVENTS_FD", "PATH", "HOME", "TMPDIR", "LANG",
                             "lower", "1A", "A-B", "A=B", ""}) {
        auto what = request();
        what.environment[name] = "the-value";
        EXPECT_THAT(fault(what), HasSubstr("environment")) << name;
        EXPECT_THAT(fault(what), Not(HasSubstr("the-value"))) << name;
    }
    auto fine = request();
    fine.environment = {{"_A1", ""}, {"GREETING", "a=b c\n"}};
    EXPECT_EQ(fault(fine), "none");
}

TEST(ProgramRules, BoundTheEnvironment) {
    auto many = request();
    for (int i = 0; i < 65; ++i)
        many.environment["V" + std::to_string(i)] = "";
    EXPECT_THAT(fault(many), HasSubstr("at most 64"));
    auto large = request();
    large.environment["V"] = std::string(64UL * 1024, 'x');
    EXPECT_THAT(fault(large), HasSubstr("at most 65536"));
    auto nul = request();
    nul.environment["V"] = std::string("a\0b", 3);
    EXPECT_THAT(fault(nul), HasSubstr("NUL"));
}

TEST(ProgramRules, RefuseALimitOfNothingAndNameIt) {
    const auto with = [](auto change) {
        auto what = request();
        change(what.limits);
        return fault(what);
    };
    using limits = execution_limits;
    using std::chrono::milliseconds;
    EXPECT_THAT(with([](limits& of) { of.wall_time = milliseconds(0); }), HasSubstr("wall_time"));
    EXPECT_THAT(with([](limits& of) { of.cpu_time = milliseconds(-1); }), HasSubstr("cpu_time"));
    EXPECT_THAT(with([](limits& of) { of.memory_bytes = 0; }), HasSubstr("memory_bytes"));
    EXPECT_THAT(with([](limits& of) { of.memory_bytes = ~0ULL; }), HasSubstr("memory_bytes"));
    EXPECT_THAT(with([](limits& of) { of.file_bytes = 0; }), HasSubstr("file_bytes"));
    EXPECT_THAT(with([](limits& of) { of.folder_bytes = 0; }), HasSubstr("folder_bytes"));
    EXPECT_THAT(with([](limits& of) { of.processes = 0; }), HasSubstr("processes"));
    EXPECT_THAT(with([](limits& of) { of.open_files = 4; }), HasSubstr("open_files"));
    EXPECT_THAT(with([](limits& of) { of.folder_entries = 0; }), HasSubstr("folder_entries"));
}

TEST(ProgramRules, RunSourceByItsInterpreterAsAFileInTheWorkingFolder) {
    auto what = request();
    EXPECT_THAT(arguments_of(what), ElementsAre("/usr/bin/bash", "program.sh"));
    what.program.language = "py";
    EXPECT_THAT(arguments_of(what), ElementsAre("/usr/bin/python3", "-u", "program.py"));
    what.program = {.arguments = {"ls", "-l"}};
    EXPECT_THAT(arguments_of(what), ElementsAre("ls", "-l"));
}

TEST(ProgramRules, GiveAnEnvironmentOfWhatIsStatedAndNothingElse) {
    auto what = request();
    what.environment["GREETING"] = "hello";
    EXPECT_THAT(environment_of(what, {}),
                ElementsAre("CHAT_EVENTS_FD=3", "CHAT_EXECUTION_ID=e1",
                            "CHAT_OUTPUT_DIR=/workspace/out", "CHAT_WORK_DIR=/workspace/work",
                            "GREETING=hello", "HOME=/workspace/work", "LANG=C.UTF-8",
                            "PATH=/run/headroom:/usr/local/bin:/usr/bin:/bin", "TMPDIR=/tmp"));
}

}  // namespace
}  // namespace headroom::chat
