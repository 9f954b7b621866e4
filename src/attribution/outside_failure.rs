//! Recognises failures of a result file that are no failure of a test: of a hook, of a file, or of a process that ended.

use crate::model::{CaseResult, outcome::CaseVerdict};

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutsideKind {
    /// Set-up or clean-up of a class, a file or a folder: its tests without a result failed with it.
    Hook,
    /// A process, or something that the tool cannot attribute: nothing is known about tests without a result.
    Crash,
}

/// How such cases begin or what they have in their name, in small letters.
const CRASHES: [&str; 6] = [
    "(worker crashed)",
    "worker process",
    "unhandled error",
    "unhandled rejection",
    "uncaught",
    "(outside any test case)",
];
const HOOKS: [&str; 18] = [
    "\" hook",
    "beforeall",
    "afterall",
    "beforeeach",
    "aftereach",
    "setupclass",
    "teardownclass",
    "setupmodule",
    "teardownmodule",
    "setuptestsuite",
    "teardowntestsuite",
    "inittestcase",
    "cleanuptestcase",
    "test suite failed to run",
    "test execution failure",
    "parent suite",
    "(unnamed)",
    "(no name)",
];

/// `None` if the name may be that of a test.
pub(super) fn outside_kind(case: &CaseResult) -> Option<OutsideKind> {
    let name = case.name.trim().to_lowercase();
    let message = match &case.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => {
            format!("{}\n{}", trouble.message, trouble.text).to_lowercase()
        }
        CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => String::new(),
    };
    if CRASHES.iter().any(|sign| name.contains(sign)) {
        return Some(OutsideKind::Crash);
    }
    let is_hook = HOOKS
        .iter()
        .any(|sign| name.starts_with(sign) || sign.starts_with('"') && name.contains(sign));
    // jest reports both as a suite that failed to run.
    let is_crash = message.contains("worker process");
    is_hook.then_some(if is_crash {
        OutsideKind::Crash
    } else {
        OutsideKind::Hook
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::requested_test::tests::{case, failed};

    #[test]
    fn hooks_and_crashes_of_tools_are_recognised() {
        let kind = |name, message| outside_kind(&case("c", name, failed(message)));
        for name in [
            "\"before all\" hook for \"t1\"",
            "S \"after each\" hook: clean for \"t2\"",
            "setUpClass (m.S)",
            "Test suite failed to run",
            "Test execution failure: could be caused by test hooks like 'afterAll'.",
            "(no name)",
        ] {
            assert_eq!(kind(name, "boom"), Some(OutsideKind::Hook), "{name}");
        }
        for (name, message) in [
            ("(worker crashed)", ""),
            ("vitest unhandled errors", ""),
            (
                "Test suite failed to run",
                "A jest worker process (pid=1) was terminated",
            ),
            ("(outside any test case)", ""),
        ] {
            assert_eq!(kind(name, message), Some(OutsideKind::Crash), "{name}");
        }
        for name in ["adds", "test_setup", "hook works", "a \"quoted\" name"] {
            assert_eq!(kind(name, "boom"), None, "{name}");
        }
    }
}
