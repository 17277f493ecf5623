// SPDX-License-Identifier: Apache-2.0
// The text of CLIENT LIST, one client at a time, however it was split: a server of 50,000 clients
// answers with 20 MB, which are never held. https://redis.io/docs/latest/commands/client-list/
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "inspect/core/holder.hpp"

namespace headroom::inspect {

struct redis_client {
    std::uint64_t id = 0;
    holder held;
};

// One line. Empty when it is no client: without an id.
[[nodiscard]] std::optional<redis_client> parse_client(std::string_view line);

class client_list_reader {
public:
    explicit client_list_reader(std::function<void(redis_client)> each) : each_(std::move(each)) {}

    void on_bytes(std::string_view bytes);
    // The reply is complete.
    void on_end();

    // Lines that were no client, or longer than any server writes.
    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

private:
    void take(std::string_view line);

    std::function<void(redis_client)> each_;
    std::string line_;  // the beginning of one whose end has not come
    bool is_too_long_ = false;
    std::uint64_t skipped_ = 0;
};

}  // namespace headroom::inspect
