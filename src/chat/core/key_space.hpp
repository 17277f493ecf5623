// SPDX-License-Identifier: Apache-2.0
// The names of the service's Redis keys and channels. All begin with one hash tag per tenant and
// project, so that every script's keys share a cluster slot. Not who reads or bounds them.
#pragma once

#include <string>
#include <string_view>

namespace headroom::chat {

// Whose data this is: part of every Redis key and of every row's search.
struct scope {
    std::string tenant;
    std::string project;
};

class key_space {
public:
    // Bytes other than letters, digits, '_', '-' and '.' are written as %XX, so that no name can
    // close the hash tag or look like another's.
    explicit key_space(const scope& whose);

    [[nodiscard]] const std::string& tag() const { return tag_; }  // "{home:default}"

    [[nodiscard]] std::string lane(std::string_view name) const;        // stream of turns to run
    [[nodiscard]] std::string known_turns() const;                      // hash: turn -> entry
    [[nodiscard]] std::string work_channel() const;                     // "there is work", any lane
    [[nodiscard]] std::string history(std::string_view session) const;  // stream of events
    [[nodiscard]] std::string session_channel(std::string_view session) const;
    [[nodiscard]] std::string heartbeat(std::string_view worker) const;

    // The session of a session_channel(); empty for other channels.
    [[nodiscard]] std::string_view session_of(std::string_view channel) const;

private:
    std::string tag_;
    std::string session_prefix_;
};

}  // namespace headroom::chat
