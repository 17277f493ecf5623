// SPDX-License-Identifier: Apache-2.0
#include "postgres/rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "postgres/postgres_error.hpp"
#include "postgres/rows_content.hpp"

namespace headroom::postgres {
namespace {

using testing::HasSubstr;

// One row of one column named `amount`.
class one_value final : public rows::content {
public:
    explicit one_value(std::optional<std::string> value) : value_(std::move(value)) {}
    std::size_t size() const override { return 1; }
    std::size_t columns() const override { return 1; }
    std::uint64_t affected() const override { return 1; }
    bool is_null(std::size_t, std::size_t) const override { return !value_; }
    std::string_view text(std::size_t, std::size_t) const override {
        return value_ ? std::string_view(*value_) : std::string_view{};
    }
    std::string_view column_name(std::size_t) const override { return "amount"; }

private:
    std::optional<std::string> value_;
};

rows holding(std::optional<std::string> value) {
    return rows(std::make_shared<one_value>(std::move(value)));
}

template <class T>
result<T> read(std::optional<std::string> value) {
    return holding(std::move(value)).get<T>(0, 0);
}

template <class T>
std::string refusal_of(std::optional<std::string> value) {
    const auto got = read<T>(std::move(value));
    if (got) return "accepted";
    EXPECT_EQ(got.error().code, postgres_errc::unexpected_result);
    return got.error().detail;
}

TEST(Rows, ReadIntegersToTheirLimits) {
    EXPECT_EQ(read<std::int64_t>("0"), 0);
    EXPECT_EQ(read<std::int64_t>("9223372036854775807"), INT64_MAX);
    EXPECT_EQ(read<std::int64_t>("-9223372036854775808"), INT64_MIN);
}

TEST(Rows, RefuseWhatIsNoIntegerAndNameTheColumn) {
    for (const auto* text : {"", "x", "12x", "1.5", " 1", "+1", "9223372036854775808"}) {
        EXPECT_THAT(refusal_of<std::int64_t>(text),
                    AllOf(HasSubstr("'amount'"), HasSubstr("64-bit integer"), HasSubstr(text)))
            << text;
    }
}

TEST(Rows, ReadNumbersAndTruth) {
    EXPECT_EQ(read<double>("-2.5e3"), -2500.0);
    EXPECT_TRUE(std::isnan(read<double>("NaN").value_or(0)));
    EXPECT_TRUE(std::isinf(read<double>("-Infinity").value_or(0)));
    EXPECT_EQ(read<bool>("t"), true);
    EXPECT_EQ(read<bool>("f"), false);
    EXPECT_THAT(refusal_of<bool>("true"), HasSubstr("t or f"));
    EXPECT_THAT(refusal_of<double>("1,5"), HasSubstr("'amount'"));
}

TEST(Rows, GiveNullOnlyToThoseWhoExpectIt) {
    EXPECT_EQ(read<std::optional<std::int64_t>>(std::nullopt).value_or(7), std::nullopt);
    EXPECT_EQ(read<std::optional<std::string>>("").value_or("?"), std::optional<std::string>(""));
    EXPECT_EQ(read<std::optional<bool>>("t").value_or(false), std::optional(true));
    EXPECT_THAT(refusal_of<std::string>(std::nullopt),
                AllOf(HasSubstr("'amount'"), HasSubstr("NULL")));
}

TEST(Rows, CutLongAndUnprintableValuesInErrors) {
    const auto detail = refusal_of<bool>(std::string(10'000, 'x') + "\x1b[31m");
    EXPECT_LT(detail.size(), 200U);
    EXPECT_EQ(detail.find('\x1b'), std::string::npos);
}

TEST(Rows, RefuseARowOrColumnThatIsNotThere) {
    EXPECT_EQ(holding("1").get<std::int64_t>(1, 0).error().code, postgres_errc::unexpected_result);
    EXPECT_EQ(holding("1").get<std::int64_t>(0, 1).error().code, postgres_errc::unexpected_result);
    EXPECT_EQ(rows().get<std::int64_t>(0, 0).error().code, postgres_errc::unexpected_result);
}

TEST(Parameters, AreWrittenAsPostgresReadsThem) {
    using values = std::vector<std::optional<std::string>>;
    const parameters given("text", std::string("it's"), std::int64_t{INT64_MIN}, 7, true,
                           std::nullopt, std::optional<std::string>("some"),
                           std::optional<std::int64_t>());
    EXPECT_EQ(given.values(), (values{"text", "it's", "-9223372036854775808", "7", "t",
                                      std::nullopt, "some", std::nullopt}));
}

}  // namespace
}  // namespace headroom::postgres
