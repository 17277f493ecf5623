// SPDX-License-Identifier: Apache-2.0
// Text that must not reach a log, an error or an argument vector: it cannot be printed by accident.
// Not encryption: whoever calls reveal() is where to look when one leaked.
#pragma once

#include <string>
#include <utility>

namespace headroom {

class secret {
public:
    secret() = default;
    explicit secret(std::string text) : text_(std::move(text)) {}

    [[nodiscard]] bool empty() const { return text_.empty(); }
    [[nodiscard]] const std::string& reveal() const { return text_; }

    bool operator==(const secret&) const = default;

private:
    std::string text_;
};

}  // namespace headroom
