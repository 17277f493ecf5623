// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <sstream>

namespace headroom::tool {
namespace {

const paper wide{.width = 80};

table of_two() {
    table all({{.header = "NAME", .width_min = 4}, {.header = "N", .to = align::right}});
    all.add({{"short"}, {"1"}});
    all.add({{"rather-long"}, {"100"}});
    return all;
}

TEST(Table, StandsInColumnsTwoSpacesApart) {
    EXPECT_EQ(of_two().render(wide),
              "NAME           N\n"
              "short          1\n"
              "rather-long  100\n");
}

TEST(Table, IsIndentedAsAWhole) {
    EXPECT_EQ(of_two().render(wide, 2).substr(0, 6), "  NAME");
}

TEST(Table, CutsOnlyColumnsThatMayBeCut) {
    EXPECT_EQ(of_two().render({.width = 11}),
              "NAME      N\n"
              "short     1\n"
              "rathe…  100\n");
    // No narrower than it can be.
    EXPECT_EQ(of_two().render({.width = 5}),
              "NAME    N\n"
              "sho…    1\n"
              "rat…  100\n");
    EXPECT_EQ(of_two().width_least(), 9U);
}

TEST(Table, HasNoLineOfHeadersWhenAllAreEmpty) {
    table facts({{.header = ""}, {.header = ""}});
    facts.add({{"usable"}, {"97"}});
    EXPECT_EQ(facts.render(wide), "usable  97\n");
}

TEST(Table, IsWithoutAColumnThatWasRemoved) {
    auto all = of_two();
    all.remove(0);
    EXPECT_EQ(all.render(wide), "  N\n  1\n100\n");
    all.remove(0);
    EXPECT_EQ(all.width_least(), 0U);
}

TEST(Table, EndsNoLineInASpace) {
    table all({{.header = "A"}, {.header = "B"}});
    all.add({{"x"}, {""}});
    EXPECT_EQ(all.render(wide), "A  B\nx\n");
}

TEST(Table, TakesAsManyColumnsForPaintedCellsAsForPlainOnes) {
    table all({{.header = "A"}, {.header = "B"}});
    all.add({{"é", ink::red}, {"x"}});
    EXPECT_EQ(all.render({.width = 80, .is_coloured = true}),
              "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mé\x1b[0m  x\n");
}

TEST(Table, FitsAnyPaperThatIsAsWideAsItsLeast) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 chance(seed);
        const std::size_t columns = 1 + chance() % 8;
        std::vector<column> heads;
        for (std::size_t i = 0; i < columns; ++i) {
            heads.push_back({.header = std::string(1 + chance() % 6, 'H'),
                             .to = chance() % 2 == 0 ? align::left : align::right,
                             .width_min = chance() % 2 == 0 ? 0 : 1 + chance() % 10});
        }
        table all(std::move(heads));
        for (std::size_t row = chance() % 5; row > 0; --row) {
            std::vector<cell> cells;
            for (std::size_t i = 0; i < columns; ++i)
                cells.push_back({std::string(chance() % 30, 'x'), ink::plain});
            all.add(std::move(cells));
        }
        const auto width = all.width_least() + chance() % 40;
        std::istringstream lines(all.render({.width = width}));
        for (std::string line; std::getline(lines, line);)
            EXPECT_LE(columns_of(line), width) << "seed " << seed;
    }
}

}  // namespace
}  // namespace headroom::tool
