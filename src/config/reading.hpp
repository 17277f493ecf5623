// SPDX-License-Identifier: Apache-2.0
// One run of load(): what is read, what was found so far, and every fault. Private to this layer.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/fault.hpp"
#include "config/load.hpp"
#include "config/parse.hpp"
#include "config/settings.hpp"

namespace headroom::config {

// Settings while they are put together.
struct draft {
    settings out;
    std::optional<connection_count> pg_pool_max;  // empty: concurrent_requests_per_process
};

struct document_value {
    std::string path;
    std::string text;
};

class reading {
public:
    explicit reading(const sources& from) : from_(from) {}

    // The value of a variable; empty when it is unset, empty, or unfit to be read (see
    // refuse_unfit_values).
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;
    [[nodiscard]] bool is_set(std::string_view name) const { return text(name).has_value(); }
    [[nodiscard]] const sources& from() const { return from_; }

    // Empty when unset, or when bad: then a fault is noted too.
    [[nodiscard]] std::optional<std::uint64_t> whole_number(std::string_view name,
                                                            number_range range);
    [[nodiscard]] std::optional<std::chrono::milliseconds> seconds(std::string_view name,
                                                                   seconds_range range);
    [[nodiscard]] std::optional<bool> flag(std::string_view name);
    [[nodiscard]] std::optional<std::string> plain_name(std::string_view name);

    // `name` is a variable: what was found is looked up, and masked as the table says.
    void note_fault(std::string_view name, std::string expected, std::string advice = {});
    void note_fault(fault found) { all_.push_back(std::move(found)); }
    [[nodiscard]] bool has_fault(std::string_view name) const;
    void warn(std::string sentence) { to.out.warnings.push_back(std::move(sentence)); }

    // Notes a fault for each value, also of a bundle, that is too long or holds control characters,
    // and hides it from text().
    void refuse_unfit_values();

    [[nodiscard]] const faults& all_faults() const { return all_; }

    draft to;
    // What the gateway document decided, by variable or dotted key.
    std::map<std::string, document_value, std::less<>> from_document;
    origin document_origin = origin::built_in;
    bool document_is_faulty = false;  // then what it leaves unset is no verdict on other settings

private:
    // `name` lives as long as the table or the sources.
    void refuse_if_unfit(std::string_view name, std::string_view value, std::size_t bytes_max,
                         bool may_hold_control_characters);

    const sources& from_;
    faults all_;
    std::vector<std::string_view> unfit_;
};

}  // namespace headroom::config
