//! Node, as the tests of its own test runner need it.

use std::process::Command;

/// The oldest major version for which the preset `node-test` is made.
const OLDEST: u32 = 22;

/// `TESTPLAN_NODE`, else `node` on PATH; `None` if it is not there or too old.
pub(crate) fn node_with_test_runner() -> Option<String> {
    let node = std::env::var("TESTPLAN_NODE").unwrap_or_else(|_| "node".to_owned());
    let answer = Command::new(&node).arg("--version").output().ok()?;
    let version = String::from_utf8(answer.stdout).ok()?;
    let major = version.trim().strip_prefix('v')?.split('.').next()?;
    (major.parse::<u32>().ok()? >= OLDEST).then_some(node)
}
