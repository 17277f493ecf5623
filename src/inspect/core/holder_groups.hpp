// SPDX-License-Identifier: Apache-2.0
// Connections counted by who holds them. Its memory is bounded by the number of groups, not of
// connections.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/core/holder.hpp"

namespace headroom::inspect {

// What connections can be grouped by. Service, instance, process and kind are parts of a name of
// our form; foreign and unnamed connections have none of them.
enum class group_field : std::uint8_t { service, instance, process, kind, address, user, state };

[[nodiscard]] std::string_view to_string(group_field field);
[[nodiscard]] std::optional<group_field> parse_group_field(std::string_view word);
[[nodiscard]] const std::vector<group_field>& all_group_fields();

struct holder_group {
    std::vector<std::string> key;  // in the order of the fields; an empty part: has none
    name_origin origin = name_origin::unnamed;
    std::uint64_t redis = 0;
    std::uint64_t postgres = 0;
    seconds age_max{0};
    seconds idle_max{0};
    std::optional<seconds> idle_in_transaction_max = {};
    std::uint64_t output_bytes = 0;  // the sum
    std::string last_command;        // of the connection that was active last
    seconds idle_min{0};             // of that connection

    [[nodiscard]] std::uint64_t connections() const { return redis + postgres; }
};

class holder_groups {
public:
    static constexpr std::size_t groups_max = 10'000;

    // At least one field.
    explicit holder_groups(std::vector<group_field> by, std::size_t most = groups_max);

    void add(const holder& one);

    // Those with most connections first; equal ones in the order of their keys.
    [[nodiscard]] std::vector<holder_group> sorted() const;
    // Connections that had no place, because there were `most` groups already.
    [[nodiscard]] std::uint64_t beyond() const { return beyond_; }
    [[nodiscard]] const std::vector<group_field>& by() const { return by_; }

    [[nodiscard]] std::uint64_t total(server_kind server) const;
    [[nodiscard]] std::uint64_t total(server_kind server, name_origin origin) const;

private:
    std::vector<group_field> by_;
    std::size_t most_;
    bool is_by_name_;  // then ours, foreign and unnamed connections are never in one group
    std::map<std::string, holder_group, std::less<>> groups_;
    std::uint64_t beyond_ = 0;
    std::uint64_t totals_[2][3] = {};  // by server_kind and the name_origin of one connection
    std::string key_;                  // scratch
};

}  // namespace headroom::inspect
