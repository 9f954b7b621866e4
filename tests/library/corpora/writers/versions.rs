//! More writers, and other versions of those above.

use super::{Row, counts, row};

pub(super) const ROWS: &[Row] = &[
    row(
        "bats1.13",
        &["1..9", "4 ok", "3 not ok", "2 # skip"],
        counts(4, 3, 0, 2, 0),
        "",
    ),
    row(
        "busted",
        &["8 successes / 2 failures / 2 errors / 1 pending"],
        counts(8, 2, 2, 1, 0),
        "",
    ),
    row(
        "cmocka",
        &[
            "[  PASSED  ] 3 test(s).",
            "1 SKIPPED TEST(S)",
            "3 FAILED TEST(S)",
        ],
        counts(3, 3, 0, 1, 0),
        "A set-up that fails counts as failed.",
    )
    .lumping(),
    row(
        "ctest4",
        &[
            "47% tests passed, 8 tests failed out of 15",
            "1 (Disabled)",
            "2 (Failed)",
            "4 (Not Run)",
            "1 (SEGFAULT)",
            "1 (Skipped)",
            "1 (Timeout)",
        ],
        counts(15 - 8 - 1, 2 + 1 + 1, 4, 1 + 1, 0),
        "As CTest 3.",
    ),
    row(
        "cucumber-js13",
        &["11 scenarios (5 passed, 1 skipped, 1 pending, 1 undefined, 1 ambiguous, 2 failed)"],
        counts(5, 2 + 1 + 1 + 1, 0, 1, 0),
        "",
    ),
    row(
        "cucumber-ruby",
        &["8 scenarios (3 failed, 1 undefined, 1 pending, 3 passed)"],
        counts(3, 3, 0, 1 + 1, 0),
        "What is undefined or pending is written as skipped, unless --strict is set.",
    ),
    row(
        "cxxtest",
        &["Failed 3 and Skipped 1 of 6 tests"],
        counts(6 - 3 - 1, 3, 0, 1, 0),
        "A warning is no failure.",
    ),
    row(
        "jasmine-reporters",
        &["13 specs, 5 failures, 2 pending specs"],
        counts(13 - 4 - 2, 5 - 1, 0, 2, 0),
        "A group that could not be set up counts as a failure of its own.",
    ),
    row(
        "kyua",
        &["Test cases: 6 total, 1 skipped, 0 expected failures, 2 broken, 2 failed"],
        counts(6 - 5, 2, 2, 1, 0),
        "What was killed or ran out of time is broken, and written as an error.",
    ),
    row(
        "meson1.12",
        &[
            "Ok:                4",
            "Expected Fail:     1",
            "Fail:              4",
            "Unexpected Pass:   1",
            "Skipped:           1",
            "Timeout:           1",
        ],
        counts(4 + 1 + 2, 4 + 1 + 1, 0, 1 + 1, 0),
        "A test that writes TAP is a suite of its own, here with four cases.",
    )
    .lumping(),
    row(
        "mocha11",
        &["16 passing", "2 pending", "4 failing"],
        counts(16, 4, 0, 0, 0),
        "Without includePending, what is pending is not in the file.",
    ),
    row(
        "mocha12",
        &["16 passing", "2 pending", "4 failing"],
        counts(16 - 1, 4, 0, 2, 0),
        "A test whose title is empty is a case without a name, which proves nothing.",
    ),
    row(
        "node22",
        &["tests 16", "pass 11", "fail 4", "skipped 1"],
        counts(11, 4 - 1, 0, 1, 0),
        "A test with parts is a suite in the file.",
    ),
    row(
        "node24",
        &["tests 16", "pass 11", "fail 4", "skipped 1"],
        counts(11, 4 - 1, 0, 1, 0),
        "A test with parts is a suite in the file.",
    ),
    row(
        "node-tap",
        &["# { total: 12, pass: 8, fail: 2, todo: 1, skip: 1 }"],
        counts(8, 2 + 2, 0, 1 + 1, 0),
        "Each group is a case, too; a skip and a todo are properties of a case.",
    ),
    row(
        "qt6-test",
        &["Totals: 9 passed, 4 failed, 1 skipped"],
        counts(9, 4, 0, 1, 0),
        "",
    ),
    row(
        "tap-harness-junit",
        &["  Failed tests:  2-3, 5", "Files=3, Tests=11"],
        counts(11 - 3 - 1 - 1, 3 + 2, 0, 1, 0),
        "A program that does not run its plan is a failed case more; a TODO is not in the file.",
    ),
    row(
        "vitest5",
        &[
            "Test Files  2 failed (2)",
            "Tests  3 failed | 13 passed | 1 expected fail | 2 skipped | 1 todo (20)",
        ],
        counts(13 + 1, 3 + 2, 0, 2 + 1, 0),
        "A file and a group that could not be set up are one failed case each.",
    ),
];
