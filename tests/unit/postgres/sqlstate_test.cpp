// SPDX-License-Identifier: Apache-2.0
#include "postgres/core/sqlstate.hpp"

#include <gtest/gtest.h>

namespace headroom::postgres {
namespace {

using enum sqlstate_class;

TEST(Sqlstate, TellsWhatAnErrorMeansForTheConnection) {
    struct row {
        std::string_view sqlstate;
        sqlstate_class what;
        bool evicts;
    };
    for (const auto& [sqlstate, what, is_evicted] : {
             row{"42601", statement, false},         // syntax error
             row{"57014", statement, false},         // statement_timeout
             row{"40001", statement, false},         // serialisation failure
             row{"53200", statement, false},         // out of memory
             row{"23505", unique_violation, false},  //
             row{"23503", statement, false},         // another integrity violation
             row{"25006", read_only, true},          //
             row{"25001", statement, false},         // a neighbour of 25006
             row{"57P01", connection, true},         // pg_terminate_backend, shutdown
             row{"57P02", connection, true},         // crash of another session
             row{"57P05", connection, true},         // idle_session_timeout
             row{"08006", connection, true},         //
             row{"28P01", not_permitted, false},     // wrong password
             row{"28000", not_permitted, false},     // no such role, pg_hba.conf
             row{"3D000", not_permitted, false},     // no such database
             row{"53300", not_now, true},            // too many clients
             row{"57P03", not_now, true},            // starting up
             row{"", statement, false},
         }) {
        EXPECT_EQ(classify_sqlstate(sqlstate), what) << sqlstate;
        EXPECT_EQ(evicts(what), is_evicted) << sqlstate;
    }
}

TEST(Sqlstate, IsFoundInTheVerboseTextOfAFailedConnect) {
    EXPECT_EQ(find_sqlstate("connection to server on socket \"/run/.s.PGSQL.5432\" failed: "
                            "FATAL:  53300: sorry, too many clients already\n"
                            "LOCATION:  InitProcess, proc.c:354\n"),
              "53300");
    EXPECT_EQ(find_sqlstate("FATAL:  28P01: Passwort-Authentifizierung fehlgeschlagen"), "28P01");
    EXPECT_EQ(find_sqlstate("SCHWERWIEGEND:  3D000: Datenbank existiert nicht"), "3D000");
}

TEST(Sqlstate, OfTheLastHostCountsWhenSeveralWereTried) {
    EXPECT_EQ(find_sqlstate("failed: FATAL:  57P03: starting up\nfailed: FATAL:  28P01: password"),
              "28P01");
}

TEST(Sqlstate, IsNotInventedFromOtherWords) {
    EXPECT_EQ(find_sqlstate(""), "");
    EXPECT_EQ(find_sqlstate("connection to server failed: Connection refused"), "");
    EXPECT_EQ(find_sqlstate("FATAL:  password authentication failed"), "");
    EXPECT_EQ(find_sqlstate("FATAL:  abcde: lower case"), "");
    EXPECT_EQ(find_sqlstate("FATAL:  28P0"), "");
    EXPECT_EQ(find_sqlstate("FATAL:  28P01"), "");
}

}  // namespace
}  // namespace headroom::postgres
