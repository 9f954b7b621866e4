//! Node 24, as the runner brings it: `TESTPLAN_NODE`, else `node` on PATH.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use crate::support::skip;

/// Node 24; without it the test that asks is skipped.
pub(crate) fn node() -> Option<PathBuf> {
    static NODE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let node = NODE.get_or_init(|| {
        let named = std::env::var_os("TESTPLAN_NODE").filter(|path| !path.is_empty());
        let path = PathBuf::from(named.unwrap_or_else(|| "node".into()));
        let told = Command::new(&path)
            .args(["-p", "process.execPath + ' ' + process.version"])
            .output()
            .ok()?;
        let told = String::from_utf8(told.stdout).ok()?;
        let (path, version) = told.trim().rsplit_once(' ')?;
        version.starts_with("v24.").then(|| PathBuf::from(path))
    });
    if node.is_none() {
        skip::missing("no Node 24 in TESTPLAN_NODE or on PATH");
    }
    node.clone()
}
