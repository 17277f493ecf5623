// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/document.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

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
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
    (void)std::fflush(stdout);
}

}  // namespace headroom::tool
