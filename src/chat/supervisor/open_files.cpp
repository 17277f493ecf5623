// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/open_files.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <string>

#include <fmt/format.h>

#include "config/capacity.hpp"

namespace headroom::chat {

result<void> raise_open_files(const config::settings& settings) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
        return failure(std::error_code(errno, std::generic_category()), "getrlimit");
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0)
        return failure(std::error_code(errno, std::generic_category()), "setrlimit");
    const config::open_files_need need = config::open_files_needed(settings);
    if (need.total <= files.rlim_max) return {};
    std::string terms;
    for (const config::open_files_term& one : need.terms) {
        if (!terms.empty()) terms += " + ";
        terms += fmt::format("{} {}", one.count, one.name);
    }
    return failure(std::make_error_code(std::errc::too_many_files_open),
                   fmt::format("a worker can need {} open files ({}), but the hard limit is {}: "
                               "raise it (ulimit -Hn, LimitNOFILE), or lower "
                               "limits.max_sse_connections_per_instance or the pools",
                               need.total, terms, files.rlim_max));
}

}  // namespace headroom::chat
