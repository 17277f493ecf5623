// SPDX-License-Identifier: Apache-2.0
// The schema of conversations and turns, step by step. A step that was released is never edited.
#include "chat/store/chat_store.hpp"

namespace headroom::chat {

std::vector<postgres::migration> migrations() {
    return {
        {.version = 1, .name = "conversations and turns", .sql = R"sql(
CREATE TABLE chat_conversations (
    conversation_id uuid PRIMARY KEY,
    tenant          text NOT NULL,
    project         text NOT NULL,
    session_id      text NOT NULL,
    title           text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chat_conversations_of_session
    ON chat_conversations (tenant, project, session_id, updated_at DESC);

CREATE TABLE chat_turns (
    turn_id         uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES chat_conversations ON DELETE CASCADE,
    ordinal         bigint NOT NULL,
    state           text NOT NULL DEFAULT 'accepted'
        CHECK (state IN ('accepted', 'running', 'completed', 'error', 'interrupted')),
    stream_id       text NOT NULL,
    user_text       text NOT NULL,
    answer_text     text NOT NULL DEFAULT '',
    error_code      text,
    error_message   text,
    owner           text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    renewed_at      timestamptz,
    ended_at        timestamptz,
    UNIQUE (conversation_id, ordinal)
);
CREATE INDEX chat_turns_unended ON chat_turns (state, created_at)
    WHERE state IN ('accepted', 'running');
)sql"},
        {.version = 2, .name = "stopping turns", .sql = R"sql(
ALTER TABLE chat_turns ADD COLUMN stop_requested_at timestamptz;
)sql"},
    };
}

}  // namespace headroom::chat
