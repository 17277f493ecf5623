// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/table.hpp"

#include <algorithm>
#include <numeric>

#include "base/assert.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t gap = 2;

void append_cell(std::string& line, const cell& one, const column& in, std::size_t width,
                 const paper& on) {
    const auto text = cut_to(one.text, width);
    const std::string padding(width - columns_of(text), ' ');
    if (in.to == align::right) line += padding;
    line += on.paint(text, one.with);
    if (in.to == align::left) line += padding;
}

void end_line(std::string& line) {
    line.resize(line.find_last_not_of(' ') + 1);
    line += '\n';
}

}  // namespace

void table::add(std::vector<cell> row) {
    HEADROOM_ASSERT(row.size() == columns_.size(), "a row has a cell for each column");
    rows_.push_back(std::move(row));
}

void table::remove(std::size_t column) {
    HEADROOM_ASSERT(column < columns_.size(), "only a column that is there can go");
    const auto at = static_cast<std::ptrdiff_t>(column);
    columns_.erase(columns_.begin() + at);
    for (auto& row : rows_)
        row.erase(row.begin() + at);
}

std::size_t table::width_least() const {
    if (columns_.empty()) return 0;
    const auto wanted = widths_wanted();
    std::size_t sum = gap * (columns_.size() - 1);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const bool may_be_cut = columns_[i].width_min > 0;
        sum += may_be_cut ? std::min(wanted[i], columns_[i].width_min) : wanted[i];
    }
    return sum;
}

std::vector<std::size_t> table::widths_wanted() const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        auto width = columns_of(columns_[i].header);
        for (const auto& row : rows_)
            width = std::max(width, columns_of(row[i].text));
        all.push_back(width);
    }
    return all;
}

std::vector<std::size_t> table::widths(std::size_t room) const {
    auto all = widths_wanted();
    const auto sum = [&] {
        return std::accumulate(all.begin(), all.end(), gap * (columns_.size() - 1));
    };
    // The widest of those that may be cut loses a column at a time.
    while (sum() > room) {
        std::size_t widest = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (columns_[i].width_min == 0 || all[i] <= columns_[i].width_min) continue;
            if (widest == columns_.size() || all[i] > all[widest]) widest = i;
        }
        if (widest == columns_.size()) break;
        --all[widest];
    }
    return all;
}

std::string table::render(const paper& on, std::size_t indent) const {
    const auto fitted = widths(on.width > indent ? on.width - indent : 1);
    std::string out;
    const auto append_row = [&](const std::vector<cell>& row) {
        std::string line(indent, ' ');
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i > 0) line.append(gap, ' ');
            append_cell(line, row[i], columns_[i], fitted[i], on);
        }
        end_line(line);
        out += line;
    };
    if (!std::ranges::all_of(columns_, &std::string::empty, &column::header)) {
        std::vector<cell> headers;
        for (const auto& one : columns_)
            headers.push_back({one.header, ink::bold});
        append_row(headers);
    }
    for (const auto& row : rows_)
        append_row(row);
    return out;
}

}  // namespace headroom::tool
