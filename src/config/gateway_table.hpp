// SPDX-License-Identifier: Apache-2.0
// The keys of the gateway document, as data: read, explained and documented from one table.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "config/reading.hpp"

namespace headroom::config {

// One value of the document, on its way into a draft.
struct document_field {
    const boost::json::value& value;
    std::string path;  // "service_capacity.proc.processes_per_instance"
    reading& run;

    // Empty when bad; a fault is noted then.
    [[nodiscard]] std::optional<std::uint64_t> whole_number(number_range range) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> seconds(seconds_range range) const;
    [[nodiscard]] std::optional<std::string> plain_name() const;

    // The value for reports: short and printable.
    [[nodiscard]] std::string shown() const;

private:
    void note_fault(std::string expected) const;
};

struct document_key {
    std::string_view section;  // empty: at the top
    std::string_view key;
    std::string_view variable;  // of the environment, which wins over this key; empty: none
    std::string_view default_text;
    std::string_view meaning;
    void (*apply)(draft& to, const document_field& field);
};

[[nodiscard]] std::span<const document_key> document_keys();

// Reads GATEWAY_CONFIG_JSON, or else the file of GATEWAY_YAML_PATH, into run.to.
void read_gateway_document(reading& run);

}  // namespace headroom::config
