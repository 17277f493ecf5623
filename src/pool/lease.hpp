// SPDX-License-Identifier: Apache-2.0
// The sole right to use one connection of a pool. Which pools there are is not its business.
#pragma once

#include <utility>

#include "pool/core/pool_core.hpp"

namespace headroom::pool {

// Gives the connection back on destruction: reusable only if the exchange that used it said so,
// because a half-read reply must never reach the next caller. Movable; used by one thread at a
// time, and on the pool's own thread where the pool has one. The pool outlives it.
template <class Pool, class Connection>
class basic_lease {
public:
    basic_lease() = default;
    basic_lease(basic_lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          slot_(other.slot_),
          connection_(std::exchange(other.connection_, nullptr)),
          reusable_(other.reusable_) {}
    basic_lease& operator=(basic_lease&& other) noexcept {
        if (this != &other) {
            give_back();
            pool_ = std::exchange(other.pool_, nullptr);
            slot_ = other.slot_;
            connection_ = std::exchange(other.connection_, nullptr);
            reusable_ = other.reusable_;
        }
        return *this;
    }
    ~basic_lease() { give_back(); }

    [[nodiscard]] explicit operator bool() const { return pool_ != nullptr; }

    // The connection, as the type its connector opens.
    template <class Opened>
    [[nodiscard]] Opened& as() const {
        return static_cast<Opened&>(*connection_);
    }

    // The last exchange is complete: nothing is pending or unread, no session state is left.
    void mark_reusable() { reusable_ = true; }
    // An exchange begins: until it is complete the connection is not reusable.
    void mark_in_use() { reusable_ = false; }

    // Drawn when the connection was opened (limits::lifetime). The pool closes what is given back
    // later; it takes nothing from its holder.
    [[nodiscard]] clock::time_point lifetime_end() const { return pool_->lifetime_end(slot_); }

    void give_back() noexcept {
        connection_ = nullptr;
        if (auto* from = std::exchange(pool_, nullptr)) from->take_back(slot_, reusable_);
    }

private:
    friend Pool;
    basic_lease(Pool* pool, slot_id slot, Connection* held)
        : pool_(pool), slot_(slot), connection_(held) {}

    Pool* pool_ = nullptr;
    slot_id slot_{};
    Connection* connection_ = nullptr;
    bool reusable_ = false;
};

}  // namespace headroom::pool
