// SPDX-License-Identifier: Apache-2.0
// What callers of a stress got, and whether it was theirs. Used by one thread; added up at the end.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "support/outcome_word.hpp"

namespace headroom::stress {

class token_tally {
public:
    template <class T>
    void add(const result<T>& reply) {
        ++operations;
        if (reply) {
            ++ok;
        } else {
            ++failed[test::outcome_word(reply.error().code)];
        }
    }

    // The reply is what its caller wants, or it is somebody else's.
    void expect(std::string_view what, std::string_view wanted, std::string_view got) {
        if (wanted == got) return;
        ++mismatches;
        fmt::print(stderr, "MISMATCH: {} wants {:.80}, got {:.80}\n", what, wanted, got);
    }

    // An INCR: one that was not sent or was refused has not run; any other failure may have.
    // Which is which the library says: the server's counter judges that, too.
    template <class T>
    void add_increments(const result<T>& reply, std::uint64_t count = 1) {
        if (reply) {
            increments_ok += count;
        } else if (may_have_run(reply.error())) {
            increments_unknown += count;
        }
    }

    void add(const token_tally& other) {
        operations += other.operations;
        ok += other.ok;
        mismatches += other.mismatches;
        increments_ok += other.increments_ok;
        increments_unknown += other.increments_unknown;
        for (const auto& [what, count] : other.failed)
            failed[what] += count;
    }

    std::uint64_t operations = 0;
    std::uint64_t ok = 0;
    std::uint64_t mismatches = 0;
    std::uint64_t increments_ok = 0;
    std::uint64_t increments_unknown = 0;
    std::map<std::string, std::uint64_t> failed;

private:
    static bool may_have_run(const error& why) {
        if (why.code.category() != redis::redis_category()) return false;  // the pool's: no lease
        const auto ended = redis::outcome_of(redis::redis_errc(why.code.value()));
        return ended != redis::outcome::not_sent && ended != redis::outcome::refused;
    }
};

}  // namespace headroom::stress
