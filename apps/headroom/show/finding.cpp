// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/finding.hpp"

#include <boost/json/object.hpp>

namespace headroom::tool {

namespace json = boost::json;

level worst_of(const std::vector<finding>& all) {
    level worst = level::ok;
    for (const auto& one : all)
        worst = worse(worst, one.how);
    return worst;
}

std::string to_text(const std::vector<finding>& all, const paper& on) {
    std::string out;
    for (const auto& one : all) {
        const std::string word(to_string(one.how));
        // Painted after it was wrapped, so that colours take no columns.
        const auto lines = wrap(word + ": " + one.what, on.width, 2);
        out += on.paint(word, ink_of(one.how)) + lines.substr(word.size()) + "\n";
        if (!one.advice.empty()) out += "  " + wrap(one.advice, on.width, 2, 2) + "\n";
    }
    return out;
}

json::array to_json(const std::vector<finding>& all) {
    json::array out;
    for (const auto& one : all) {
        out.push_back(
            json::object{{"level", to_string(one.how)},
                         {"what", one.what},
                         {"advice", one.advice.empty() ? json::value() : json::value(one.advice)}});
    }
    return out;
}

}  // namespace headroom::tool
