// SPDX-License-Identifier: Apache-2.0
// What rows reads from. Included by .cpp files only: libpq_connection.cpp implements it on its own
// results, without copying them.
#pragma once

#include "postgres/rows.hpp"

namespace headroom::postgres {

struct rows::content {
    content() = default;
    content(const content&) = delete;
    content& operator=(const content&) = delete;
    virtual ~content() = default;

    [[nodiscard]] virtual std::size_t size() const = 0;
    [[nodiscard]] virtual std::size_t columns() const = 0;
    [[nodiscard]] virtual std::uint64_t affected() const = 0;
    // Row and column exist.
    [[nodiscard]] virtual bool is_null(std::size_t row, std::size_t column) const = 0;
    [[nodiscard]] virtual std::string_view text(std::size_t row, std::size_t column) const = 0;
    [[nodiscard]] virtual std::string_view column_name(std::size_t column) const = 0;
};

}  // namespace headroom::postgres
