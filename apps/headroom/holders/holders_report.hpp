// SPDX-License-Identifier: Apache-2.0
// Who holds the connections now, asked of both servers and shown as one table: for the commands
// holders and top.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "headroom/ask/servers.hpp"
#include "headroom/holders/holder_order.hpp"
#include "headroom/show/finding.hpp"
#include "headroom/show/table.hpp"
#include "inspect/core/holder_groups.hpp"

namespace headroom::tool {

struct holders_report {
    inspect::holder_groups groups;
    std::vector<finding> findings;  // why a server is missing
    bool has_redis = false;         // it answered
    bool has_postgres = false;

    [[nodiscard]] level worst() const { return worst_of(findings); }
};

using holder_filter = std::function<bool(const inspect::holder&)>;

// What one server holds, or why it does not tell. Only connections for which `filter` is true are
// counted; an empty one is true for all.
void add_holders_of(holders_report& to, const redis_place& at, deadline until,
                    const holder_filter& filter = {});
void add_holders_of(holders_report& to, const postgres_place& at, deadline until,
                    const holder_filter& filter = {});
// A header and a line for each group. Columns that are empty, or have no room, are left out; the
// one that `keep` sorts by never.
[[nodiscard]] std::string holders_table(const holders_report& of,
                                        std::span<const inspect::holder_group> groups,
                                        const paper& on,
                                        holder_order keep = holder_order::connections);
// The table of at most `top` groups, and below it what was left out.
[[nodiscard]] std::string to_text(const holders_report& of,
                                  const std::vector<inspect::holder_group>& groups, std::size_t top,
                                  const paper& on);
// {"by","groups","groups_left_out","connections_left_out","redis","postgres","findings"}
[[nodiscard]] boost::json::object to_json(const holders_report& of,
                                          const std::vector<inspect::holder_group>& groups,
                                          std::size_t top);

// "service,kind" to fields; the error names the word that is none.
[[nodiscard]] std::expected<std::vector<inspect::group_field>, std::string> parse_by(
    const std::string& words);

}  // namespace headroom::tool
