// SPDX-License-Identifier: Apache-2.0
#include "chat/core/chat_error.hpp"

#include <string>

namespace headroom::chat {

namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "chat"; }
    std::string message(int code) const override {
        switch (static_cast<chat_errc>(code)) {
            case chat_errc::no_such_conversation:
                return "no such conversation";
            case chat_errc::queue_full:
                return "too many turns are waiting";
            case chat_errc::text_rejected:
                return "the text cannot be stored";
            case chat_errc::turn_stopped:
                return "the turn is stopped";
            case chat_errc::answer_too_long:
                return "the answer is too long";
            case chat_errc::bundle_failed:
                return "the bundle failed";
            case chat_errc::unexpected_answer:
                return "a server answered in an unexpected shape";
            case chat_errc::closed:
                return "closed";
            case chat_errc::buffer_full:
                return "too many events are held";
            case chat_errc::execution_failed:
                return "the code could not be run";
        }
        return "unknown chat error " + std::to_string(code);
    }
};

}  // namespace

const std::error_category& chat_category() noexcept {
    static const category instance;
    return instance;
}

}  // namespace headroom::chat
