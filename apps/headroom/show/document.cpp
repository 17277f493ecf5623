// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/document.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "headroom/show/paper.hpp"

namespace headroom::tool {

boost::json::object document(std::string_view name, level verdict) {
    return {{"schema", fmt::format("headroom.{}", name)},
            {"version", document_version},
            {"verdict", to_string(verdict)}};
}

void print(const boost::json::object& whole) {
    print(boost::json::serialize(whole) + "\n");
}

void print(std::string_view text) {
    const auto safe = for_terminal(text);
    const bool is_whole = std::fwrite(safe.data(), 1, safe.size(), stdout) == safe.size();
    if (std::fflush(stdout) != 0 || !is_whole)
        throw std::system_error(errno, std::generic_category(), "standard output");
}

void complain(std::string_view sentence) {
    (void)std::fprintf(stderr, "headroom: %s\n", for_plain_terminal(sentence).c_str());
}

int refuse(std::string_view name, bool is_json, std::string_view why) {
    complain(why);
    if (is_json) {
        auto whole = document(name, level::unknown);
        whole["why"] = for_plain_terminal(why);
        print(whole);
    }
    return static_cast<int>(level::unknown);
}

}  // namespace headroom::tool
