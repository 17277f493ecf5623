// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/holder_groups.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"

namespace headroom::inspect {
namespace {

constexpr char separator = '\x1f';  // in no name: Redis and Postgres refuse control characters

struct field_name {
    group_field field;
    std::string_view word;
};
constexpr std::array<field_name, 7> fields{{
    {group_field::service, "service"},
    {group_field::instance, "instance"},
    {group_field::process, "process"},
    {group_field::kind, "kind"},
    {group_field::address, "address"},
    {group_field::user, "user"},
    {group_field::state, "state"},
}};

bool is_of_name(group_field field) {
    return field == group_field::service || field == group_field::instance ||
           field == group_field::process || field == group_field::kind;
}

// A foreign connection is known by the name it has.
std::string part_of(const holder& one, group_field field) {
    switch (field) {
        case group_field::service:
            return one.ours ? one.ours->prefix : one.name;
        case group_field::instance:
            return one.ours ? one.ours->instance : std::string();
        case group_field::process:
            return one.ours ? fmt::format("{}", one.ours->pid) : std::string();
        case group_field::kind:
            return one.ours ? one.ours->kind : std::string();
        case group_field::address:
            return one.address;
        case group_field::user:
            return one.user;
        case group_field::state:
            return one.state;
    }
    return {};
}

}  // namespace

std::string_view to_string(group_field field) {
    for (const auto& [each, word] : fields)
        if (each == field) return word;
    return "service";
}

std::optional<group_field> parse_group_field(std::string_view word) {
    for (const auto& [field, each] : fields)
        if (each == word) return field;
    return std::nullopt;
}

const std::vector<group_field>& all_group_fields() {
    static const auto all = [] {
        std::vector<group_field> list;
        for (const auto& one : fields)
            list.push_back(one.field);
        return list;
    }();
    return all;
}

holder_groups::holder_groups(std::vector<group_field> by, std::size_t most)
    : by_(std::move(by)), most_(most), is_by_name_(std::ranges::any_of(by_, is_of_name)) {
    HEADROOM_ASSERT(!by_.empty(), "connections are grouped by something");
}

void holder_groups::add(const holder& one) {
    ++totals_[static_cast<std::size_t>(one.server)][static_cast<std::size_t>(one.origin())];
    key_ = is_by_name_ ? to_string(one.origin()) : "";
    for (const auto field : by_) {
        key_ += separator;
        key_ += part_of(one, field);
    }
    auto found = groups_.find(key_);
    if (found == groups_.end()) {
        if (groups_.size() == most_) {
            ++beyond_;
            return;
        }
        holder_group fresh;
        for (const auto field : by_)
            fresh.key.push_back(part_of(one, field));
        fresh.origin = one.origin();
        fresh.idle_min = seconds::max();
        found = groups_.emplace(key_, std::move(fresh)).first;
    }
    auto& group = found->second;
    if (group.origin != one.origin()) group.origin = name_origin::mixed;
    ++(one.server == server_kind::redis ? group.redis : group.postgres);
    group.age_max = std::max(group.age_max, one.age);
    group.idle_max = std::max(group.idle_max, one.idle);
    if (one.idle_in_transaction_for) {
        group.idle_in_transaction_max = std::max(group.idle_in_transaction_max.value_or(seconds(0)),
                                                 *one.idle_in_transaction_for);
    }
    group.output_bytes += one.output_bytes;
    if (one.idle < group.idle_min) {
        group.idle_min = one.idle;
        group.last_command = one.last_command;
    }
}

std::vector<holder_group> holder_groups::sorted() const {
    std::vector<holder_group> all;
    all.reserve(groups_.size());
    for (const auto& [key, group] : groups_)
        all.push_back(group);
    std::ranges::sort(all, [](const holder_group& a, const holder_group& b) {
        if (a.connections() != b.connections()) return a.connections() > b.connections();
        return a.key < b.key;
    });
    return all;
}

std::uint64_t holder_groups::total(server_kind server) const {
    const auto& counts = totals_[static_cast<std::size_t>(server)];
    return counts[0] + counts[1] + counts[2];
}

std::uint64_t holder_groups::total(server_kind server, name_origin origin) const {
    return totals_[static_cast<std::size_t>(server)][static_cast<std::size_t>(origin)];
}

}  // namespace headroom::inspect
