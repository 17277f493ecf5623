// SPDX-License-Identifier: Apache-2.0
#include "postgres/core/reset_rules.hpp"

#include <gtest/gtest.h>

namespace headroom::postgres {
namespace {

TEST(ResetRules, SeeStateInTheCommandTag) {
    for (const auto* tag : {"SET", "RESET", "LISTEN", "PREPARE", "DECLARE CURSOR", "LOAD"}) {
        EXPECT_TRUE(tag_leaves_state(tag)) << tag;
    }
    for (const auto* tag : {"", "SELECT 1", "INSERT 0 1", "BEGIN", "COMMIT", "CREATE TABLE",
                            "SET CONSTRAINTS", "NOTIFY"}) {
        EXPECT_FALSE(tag_leaves_state(tag)) << tag;
    }
}

TEST(ResetRules, SeeInTheTextWhatTheTagHides) {
    for (const auto* sql :
         {"CREATE TEMP TABLE t (x int)", "create temporary view v as select 1",
          "SELECT 1 INTO TEMP t", "CREATE TABLE pg_temp.t (x int)", "SELECT pg_advisory_lock(1)",
          "select PG_TRY_ADVISORY_LOCK(1)", "SELECT set_config('search_path', 'x', false)",
          "SELECT tempo, pg_advisory_lock_shared(7)"}) {
        EXPECT_TRUE(text_leaves_state(sql)) << sql;
    }
}

TEST(ResetRules, LeaveOrdinaryStatementsAlone) {
    for (const auto* sql :
         {"", "SELECT 1", "SELECT temperature FROM weather", "SELECT pg_advisory_xact_lock(1)",
          "SELECT contemporary FROM art", "INSERT INTO attempts VALUES ($1)"}) {
        EXPECT_FALSE(text_leaves_state(sql)) << sql;
    }
}

}  // namespace
}  // namespace headroom::postgres
