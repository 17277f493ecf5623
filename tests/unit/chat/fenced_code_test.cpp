// SPDX-License-Identifier: Apache-2.0
#include "chat/core/fenced_code.hpp"

#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

TEST(FencedCode, IsFoundBetweenItsFences) {
    EXPECT_EQ(first_code_block("Run this:\n```python3\nprint(1)\n```\nplease"),
              (code_block{"python3", "print(1)\n"}));
    EXPECT_EQ(first_code_block("~~~ Bash\necho a\n~~~"), (code_block{"bash", "echo a\n"}));
    EXPECT_EQ(first_code_block("```\r\nx\r\n```\r\n"), (code_block{"", "x\n"}));
}

TEST(FencedCode, IsNotFoundWhereThereIsNone) {
    EXPECT_EQ(first_code_block(""), std::nullopt);
    EXPECT_EQ(first_code_block("``not three``"), std::nullopt);
    EXPECT_EQ(first_code_block("```inline``` code"), std::nullopt);
    EXPECT_EQ(first_code_block("    ```\n    indented by four\n    ```"), std::nullopt);
    EXPECT_EQ(first_code_block("see ```bash in the middle of a line"), std::nullopt);
}

TEST(FencedCode, TakesTheFirstOfSeveral) {
    EXPECT_EQ(first_code_block("```sh\n1\n```\n```py\n2\n```"), (code_block{"sh", "1\n"}));
}

TEST(FencedCode, KeepsShorterAndOtherFencesInside) {
    EXPECT_EQ(first_code_block("````md\n```\n~~~~\n````"), (code_block{"md", "```\n~~~~\n"}));
    EXPECT_EQ(first_code_block("```\n``` not a close\n```"), (code_block{"", "``` not a close\n"}));
}

TEST(FencedCode, GoesToTheEndWithoutAClosingFence) {
    EXPECT_EQ(first_code_block("```bash\necho a\n\necho b"),
              (code_block{"bash", "echo a\n\necho b\n"}));
    EXPECT_EQ(first_code_block("```bash"), (code_block{"bash", ""}));
}

TEST(FencedCode, LosesTheIndentationOfItsFence) {
    EXPECT_EQ(first_code_block("  ```py\n  if 1:\n      x\n y\n  ```"),
              (code_block{"py", "if 1:\n    x\ny\n"}));
}

TEST(FencedCode, TakesTheFirstWordOfTheInfoString) {
    EXPECT_EQ(first_code_block("```Python3 title=\"a\"\n```")->language, "python3");
    EXPECT_EQ(first_code_block("```bash{1,2}\n```")->language, "bash");
}

}  // namespace
}  // namespace headroom::chat
