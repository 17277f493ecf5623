// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/sandbox_arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::chat {
namespace {

using ::testing::HasSubstr;

sandbox_layout layout() {
    return {.top_folders = {{"/bin", "usr/bin"}, {"/lib32", ""}},
            .files = {{7, "/etc/passwd", false}, {8, "/run/headroom/chat-emit", true}},
            .work_folder = "/tmp/x/work",
            .output_folder = "/tmp/x/out",
            .inner_work_folder = "/workspace/work",
            .inner_output_folder = "/workspace/out",
            .memory_folder_bytes = 1000,
            .status_descriptor = 9};
}

// Where the words stand next to each other; the number of words when they do not.
std::size_t place_of(const std::vector<std::string>& all, const std::vector<std::string>& words) {
    const auto found = std::ranges::search(all, words);
    return static_cast<std::size_t>(found.begin() - all.begin());
}

bool has(const std::vector<std::string>& words) {
    const auto all = sandbox_arguments(layout());
    return place_of(all, words) < all.size();
}

TEST(SandboxArguments, UnshareAllAndAllowNoMoreNamespaces) {
    EXPECT_TRUE(has({"--unshare-all"}));
    EXPECT_TRUE(has({"--unshare-user"})) << "unshare-all only tries to";
    EXPECT_TRUE(has({"--disable-userns"}));
    EXPECT_FALSE(has({"--share-net"}));
}

TEST(SandboxArguments, EndWithTheirParentAndHaveNoTerminal) {
    EXPECT_TRUE(has({"--die-with-parent"}));
    EXPECT_TRUE(has({"--new-session"}));
    EXPECT_TRUE(has({"--as-pid-1"}));
    EXPECT_TRUE(has({"--json-status-fd", "9"}));
}

TEST(SandboxArguments, ShowTheSystemReadOnlyAsItIsLaidOutOnTheHost) {
    EXPECT_TRUE(has({"--ro-bind", "/usr", "/usr"}));
    EXPECT_TRUE(has({"--symlink", "usr/bin", "/bin"})) << "merged into /usr";
    EXPECT_TRUE(has({"--ro-bind-try", "/lib32", "/lib32"})) << "a folder of its own";
}

TEST(SandboxArguments, BindOnlyTheTwoFoldersToBeWrittenTo) {
    const auto all = sandbox_arguments(layout());
    EXPECT_EQ(std::ranges::count(all, "--bind"), 2);
    EXPECT_EQ(std::ranges::count(all, "--dev-bind"), 0);
    EXPECT_TRUE(has({"--bind", "/tmp/x/work", "/workspace/work"}));
    EXPECT_TRUE(has({"--bind", "/tmp/x/out", "/workspace/out"}));
}

TEST(SandboxArguments, LimitWhatIsKeptInMemory) {
    EXPECT_TRUE(has({"--size", "1000", "--tmpfs", "/tmp"}));
    EXPECT_TRUE(has({"--size", "1000", "--tmpfs", "/dev/shm"}));
    EXPECT_EQ(std::ranges::count(sandbox_arguments(layout()), "--tmpfs"), 2);
}

TEST(SandboxArguments, TakeFilesByDescriptorWithTheirModes) {
    EXPECT_TRUE(has({"--perms", "0444", "--ro-bind-data", "7", "/etc/passwd"}));
    EXPECT_TRUE(has({"--perms", "0555", "--ro-bind-data", "8", "/run/headroom/chat-emit"}));
}

TEST(SandboxArguments, MakeTheRootReadOnlyAfterEverythingIsInIt) {
    const auto all = sandbox_arguments(layout());
    const std::size_t root = place_of(all, {"--remount-ro", "/"});
    ASSERT_LT(root, all.size());
    for (const std::string option : {"--ro-bind", "--ro-bind-try", "--bind", "--tmpfs",
                                     "--ro-bind-data", "--dir", "--symlink"}) {
        const auto last = std::ranges::find(all.rbegin(), all.rend(), option);
        ASSERT_NE(last, all.rend()) << option;
        EXPECT_LT(static_cast<std::size_t>(all.rend() - last), root) << option;
    }
}

TEST(FailedSandbox, NamesWhatHelpsForWhatBubblewrapSays) {
    EXPECT_THAT(describe_failed_sandbox("bwrap: No permissions to create new namespace, likely "
                                        "because the kernel does not allow non-privileged\n"),
                HasSubstr("kernel.unprivileged_userns_clone=1"));
    EXPECT_THAT(describe_failed_sandbox("bwrap: setting up uid map: Permission denied\n"),
                HasSubstr("AppArmor"));
    EXPECT_THAT(describe_failed_sandbox("bwrap: Unknown option --disable-userns\n"),
                HasSubstr("0.8 or newer"));
    EXPECT_THAT(describe_failed_sandbox("bwrap: something new\n"),
                HasSubstr("It says: bwrap: something new"));
    EXPECT_THAT(describe_failed_sandbox(""), HasSubstr("package bubblewrap"));
}

TEST(FailedSandbox, ShowsNoControlCharacters) {
    const auto text = describe_failed_sandbox("bwrap: \x1b[2J\n/name\n");
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(FirstProcess, IsReadFromTheStatusOfBubblewrapOnceItIsWhole) {
    EXPECT_EQ(first_process_of("{ \"child-pid\": 4711, \"cgroup-namespace\": 1 }\n"), 4711);
    EXPECT_EQ(first_process_of("{ \"child-pid\": 47"), std::nullopt);
    EXPECT_EQ(first_process_of("{ \"child-pid\": -1 }"), std::nullopt);
    EXPECT_EQ(first_process_of("{ \"exit-code\": 1 }"), std::nullopt);
    EXPECT_EQ(first_process_of(""), std::nullopt);
}

}  // namespace
}  // namespace headroom::chat
