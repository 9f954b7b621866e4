//! Tests whose outside part is missing: said in plain sight, and no pass where everything has to be there.

use std::io::Write as _;

/// Says that the test that runs now is skipped because something outside is missing. With `TESTPLAN_REQUIRE_ALL` set it
/// fails instead. Written past the test runner's capture, which would hide it in a test that does not fail.
pub(crate) fn missing(what: &str) {
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    assert!(
        std::env::var_os("TESTPLAN_REQUIRE_ALL").is_none(),
        "{what}, and TESTPLAN_REQUIRE_ALL is set"
    );
    let line = format!("skipped: {test}: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
