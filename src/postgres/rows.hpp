// SPDX-License-Identifier: Apache-2.0
// The result of a statement and the parameters given to it. Not the wire: libpq_connection fills
// and reads these.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace headroom::postgres {

// Parameters $1, $2, ... of one statement, in text form; the server infers their types from the
// statement.
class parameters {
public:
    parameters() = default;
    template <class... Values>
    explicit parameters(const Values&... values) {
        (add(values), ...);
    }

    parameters& add(std::string_view text);
    parameters& add(const char* text) { return add(std::string_view(text)); }
    parameters& add(const std::string& text) { return add(std::string_view(text)); }
    parameters& add(std::int64_t number);
    parameters& add(int number) { return add(static_cast<std::int64_t>(number)); }
    parameters& add(bool truth);
    parameters& add(std::nullopt_t);
    template <class T>
    parameters& add(const std::optional<T>& maybe) {
        return maybe ? add(*maybe) : add(std::nullopt);
    }

    [[nodiscard]] const std::vector<std::optional<std::string>>& values() const { return values_; }

private:
    std::vector<std::optional<std::string>> values_;
};

// All rows of one statement. Cheap to move; views into it live as long as it does.
class rows {
public:
    rows();
    struct content;                                        // owned by libpq_connection.cpp
    explicit rows(std::shared_ptr<const content> result);  // second owners: copies of this object

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t columns() const;
    // Rows inserted, updated or deleted.
    [[nodiscard]] std::uint64_t affected() const;

    [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
    // The text form; empty view for NULL.
    [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;
    // Typed: std::int64_t, double, bool, std::string, and std::optional of these. An error names
    // the column and the value's shape when it does not convert, or is NULL without std::optional.
    template <class T>
    [[nodiscard]] result<T> get(std::size_t row, std::size_t column) const;

private:
    std::shared_ptr<const content> result_;
};

}  // namespace headroom::postgres
