//! How a tool whose process stays is started, and when its process is replaced.

/// A tool whose process stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmTool {
    /// pytest 7 or later.
    Pytest,
}

/// A tool whose process stays, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmSettings {
    /// The tool.
    pub tool: WarmTool,
    /// What is listed and collected; what the tool's own settings say if it is empty.
    pub paths: Vec<String>,
    /// How many tests share a process.
    pub mode: ProcessMode,
    /// When a process is replaced.
    pub fresh: FreshProcess,
}

/// How many tests share a process of the tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcessMode {
    /// A process takes one test after the other if the project's settings allow it; else each test gets its own.
    #[default]
    Auto,
    /// A process takes one test after the other.
    Session,
    /// Each test gets its own.
    Single,
}

/// After what a fresh process is started; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreshProcess {
    /// After so many tests.
    pub after_tests: Option<u32>,
    /// Once the process holds so many MiB of memory. Only Linux reports it.
    pub after_mib: Option<u64>,
    /// After a test that failed.
    pub after_failure: bool,
}

impl FreshProcess {
    /// Whether anything is set.
    pub(crate) fn is_wanted(self) -> bool {
        self != Self::default()
    }

    /// Whether a process is replaced after a test. `memory` is asked only if it matters.
    pub(crate) fn is_due(
        self,
        tests: u32,
        failed: bool,
        memory: impl FnOnce() -> Option<u64>,
    ) -> bool {
        if self.after_tests.is_some_and(|most| tests >= most.max(1))
            || (failed && self.after_failure)
        {
            return true;
        }
        let most = self.after_mib;
        most.is_some_and(|most| memory().is_some_and(|held| held >= most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_counts_for_itself() {
        let never = || -> Option<u64> { panic!("memory is not asked for") };
        let none = FreshProcess::default();
        assert!(!none.is_wanted() && !none.is_due(9_999, true, never));
        let tests = FreshProcess {
            after_tests: Some(3),
            ..none
        };
        assert!(tests.is_due(3, false, never) && !tests.is_due(2, true, never));
        let failure = FreshProcess {
            after_failure: true,
            ..none
        };
        assert!(failure.is_due(1, true, never) && !failure.is_due(1, false, never));
        let memory = FreshProcess {
            after_mib: Some(100),
            ..none
        };
        assert!(memory.is_due(1, false, || Some(100)));
        assert!(!memory.is_due(1, false, || Some(99)));
        assert!(!memory.is_due(1, false, || None));
    }
}
