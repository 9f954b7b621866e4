//! The tests of one call, and where its files are.

use std::{path::PathBuf, sync::Arc};

use super::batch_setup::BatchSetup;
use crate::{clock, model::ExecutionId, preset::Reports, run::WorkItem, single::attempt_name};

/// A test that was taken, and what the command calls it.
#[derive(Debug)]
pub(crate) struct CalledWork {
    pub(crate) work: WorkItem,
    pub(crate) name: String,
}

impl CalledWork {
    pub(crate) fn execution(&self) -> ExecutionId {
        self.work.granted.execution
    }
}

/// A call. It has at least one test when it is made.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) setup: Arc<BatchSetup>,
    pub(crate) called: Vec<CalledWork>,
    /// Its folder below `results/`.
    pub(crate) name: String,
    pub(crate) results: PathBuf,
    /// The file of its output, relative to the `--out` folder.
    pub(crate) log: String,
    /// The reports that the tool writes elsewhere.
    pub(crate) reports: Option<Reports>,
}

impl Call {
    /// A call of these tests; `None` if there is none.
    pub(crate) fn new(setup: Arc<BatchSetup>, called: Vec<CalledWork>) -> Option<Self> {
        let name = name(&setup, called.first()?, called.len());
        Some(Self {
            results: setup.test.out.join("results").join(&name),
            log: format!("logs/{name}.log"),
            name,
            reports: None,
            setup,
            called,
        })
    }
}

/// Unique per call, and safe as a file name.
fn name(setup: &BatchSetup, first: &CalledWork, tests: usize) -> String {
    let (plan, granted) = (setup.test.plan, &first.work.granted);
    if tests == 1 {
        return attempt_name(plan, granted);
    }
    let attempt = match granted.attempt {
        Some(attempt) => attempt.to_string(),
        None => clock::wall().0.to_string(),
    };
    format!(
        "{plan}-{}-{attempt}-call-of-{tests}-tests",
        granted.execution
    )
}
