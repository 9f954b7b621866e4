//! Plans whose tests are the demo's: this binary runs as them, so they run wherever it does.

use std::fmt::Write as _;

pub(crate) const PASSES: (&str, &str) = ("suite_settings", "tst_reset_all");
pub(crate) const FAILS: (&str, &str) = ("suite_export", "tst_png");
pub(crate) const SKIPS: (&str, &str) = ("suite_login", "tst_single_sign_on");
/// Exits with a code that says neither passed nor failed.
pub(crate) const BREAKS: (&str, &str) = ("suite_documents", "tst_no_such_test");
pub(crate) const HANGS: (&str, &str) = ("suite_export", "tst_printer_dialog");

/// A `testplan.yml` of one project `example` with one template `all`.
pub(crate) fn plan(tests: &[(&str, &str)]) -> String {
    let binary = serde_json::Value::from(env!("CARGO_BIN_EXE_testplan"));
    let mut text = format!(
        "project: example\n\
         runner:\n\
         \x20 command: [{binary}, demo-test, \"{{suite}}\", \"{{testcase}}\"]\n\
         \x20 results: {{ format: junit, files: \"*.xml\" }}\n\
         \x20 exit-codes: {{ passed: [0], failed: [1] }}\n\
         templates:\n\
         \x20 - title: all\n\
         \x20   tests:\n"
    );
    for (suite, testcase) in tests {
        let _ = writeln!(
            text,
            "      - {{ suite: {suite}, testcases: [{testcase}] }}"
        );
    }
    text
}

/// The same, for workers that offer something.
pub(crate) fn plan_for(configurations: &str, tests: &[(&str, &str)]) -> String {
    plan(tests) + &format!("    configurations: {configurations}\n")
}
