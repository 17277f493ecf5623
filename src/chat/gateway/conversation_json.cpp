// SPDX-License-Identifier: Apache-2.0
#include "chat/gateway/conversation_json.hpp"

namespace headroom::chat {

namespace json = boost::json;

json::array to_json(const std::vector<conversation_summary>& list) {
    json::array shown;
    for (const auto& each : list)
        shown.push_back(json::object{{"conversation_id", each.conversation_id},
                                     {"title", each.title},
                                     {"created_at", each.created_at},
                                     {"updated_at", each.updated_at},
                                     {"state", to_string(each.state)}});
    return shown;
}

json::object to_json(const conversation& of) {
    json::array turns;
    for (const auto& each : of.turns) {
        json::object turn{{"turn_id", each.turn_id},
                          {"state", to_string(each.state)},
                          {"user_text", each.user_text},
                          {"answer_text", each.answer_text},
                          {"error", nullptr},
                          {"created_at", each.created_at},
                          {"ended_at", nullptr}};
        if (each.failure)
            turn["error"] =
                json::object{{"code", each.failure->code}, {"message", each.failure->message}};
        if (!each.ended_at.empty()) turn["ended_at"] = each.ended_at;
        turns.push_back(std::move(turn));
    }
    return {{"conversation_id", of.conversation_id},
            {"title", of.title},
            {"created_at", of.created_at},
            {"updated_at", of.updated_at},
            {"turns", std::move(turns)}};
}

}  // namespace headroom::chat
