// SPDX-License-Identifier: Apache-2.0
#include "postgres/rows.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "postgres/postgres_error.hpp"
#include "postgres/rows_content.hpp"

namespace headroom::postgres {

namespace {

constexpr std::size_t excerpt_bytes = 40;

template <class T>
struct without_optional {
    using type = T;
    static constexpr bool nullable = false;
};
template <class T>
struct without_optional<std::optional<T>> {
    using type = T;
    static constexpr bool nullable = true;
};

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto* end = text.data() + text.size();
    const auto [stopped, ec] = std::from_chars(text.data(), end, number);
    if (ec != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

std::optional<std::int64_t> convert(std::string_view text, std::int64_t) {
    return number_in<std::int64_t>(text);
}
std::optional<double> convert(std::string_view text, double) {
    return number_in<double>(text);
}
std::optional<bool> convert(std::string_view text, bool) {
    if (text == "t") return true;
    if (text == "f") return false;
    return std::nullopt;
}
std::optional<std::string> convert(std::string_view text, const std::string&) {
    return std::string(text);
}

constexpr std::string_view name_of(std::int64_t) {
    return "a 64-bit integer";
}
constexpr std::string_view name_of(double) {
    return "a number";
}
constexpr std::string_view name_of(bool) {
    return "a boolean (t or f)";
}
std::string_view name_of(const std::string&) {
    return "text";
}

}  // namespace

parameters& parameters::add(std::string_view text) {
    values_.emplace_back(text);
    return *this;
}

parameters& parameters::add(std::int64_t number) {
    values_.emplace_back(std::to_string(number));
    return *this;
}

parameters& parameters::add(bool truth) {
    values_.emplace_back(truth ? "t" : "f");
    return *this;
}

parameters& parameters::add(std::nullopt_t) {
    values_.emplace_back(std::nullopt);
    return *this;
}

rows::rows() = default;
rows::rows(std::shared_ptr<const content> result) : result_(std::move(result)) {}

std::size_t rows::size() const {
    return result_ ? result_->size() : 0;
}

std::size_t rows::columns() const {
    return result_ ? result_->columns() : 0;
}

std::uint64_t rows::affected() const {
    return result_ ? result_->affected() : 0;
}

bool rows::is_null(std::size_t row, std::size_t column) const {
    HEADROOM_ASSERT(row < size() && column < columns(), "no such row or column");
    return result_->is_null(row, column);
}

std::string_view rows::text(std::size_t row, std::size_t column) const {
    HEADROOM_ASSERT(row < size() && column < columns(), "no such row or column");
    return result_->text(row, column);
}

template <class T>
result<T> rows::get(std::size_t row, std::size_t column) const {
    using value = typename without_optional<T>::type;
    if (row >= size() || column >= columns()) {
        return failure(postgres_errc::unexpected_result,
                       fmt::format("row {}, column {} asked of a result of {} rows and {} columns",
                                   row, column, size(), columns()));
    }
    const auto name = result_->column_name(column);
    if (result_->is_null(row, column)) {
        if constexpr (without_optional<T>::nullable) return T{};
        return failure(
            postgres_errc::unexpected_result,
            fmt::format("column '{}' is NULL where {} is expected", name, name_of(value{})));
    }
    const auto text = result_->text(row, column);
    auto converted = convert(text, value{});
    if (!converted) {
        return failure(postgres_errc::unexpected_result,
                       fmt::format("column '{}' is not {}: '{}'", name, name_of(value{}),
                                   printable_excerpt(text, excerpt_bytes)));
    }
    return T(std::move(*converted));
}

template result<std::int64_t> rows::get(std::size_t, std::size_t) const;
template result<double> rows::get(std::size_t, std::size_t) const;
template result<bool> rows::get(std::size_t, std::size_t) const;
template result<std::string> rows::get(std::size_t, std::size_t) const;
template result<std::optional<std::int64_t>> rows::get(std::size_t, std::size_t) const;
template result<std::optional<double>> rows::get(std::size_t, std::size_t) const;
template result<std::optional<bool>> rows::get(std::size_t, std::size_t) const;
template result<std::optional<std::string>> rows::get(std::size_t, std::size_t) const;

}  // namespace headroom::postgres
