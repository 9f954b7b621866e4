//! JUnit XML of a report, in two profiles: one with all details, one that is valid against Jenkins' xunit schema.
//!
//! Each case of the result files is one case, under the name that the test tool gave it, so that CI systems see the same
//! ids as in the tool's own file. An execution without cases is one case. Attempts are merged into the case
//! (`flakyFailure`, `rerunFailure`).
//!
//! quick-junit makes the root, the suites and the cases of our own (`suite_markup`). Cases of result files are too many for
//! a tree, so `execution_cases` reads them from the records and `xml_writer` writes them one by one. What is the same for
//! many cases is written once: the file is about as large as the result files.

mod case_element;
mod execution_cases;
mod junit_document;
mod outline;
mod service_count_cases;
mod suite_markup;
mod unique_names;
mod xml_writer;

use std::io;

pub use junit_document::render;
pub(crate) use junit_document::write;

use super::cases::ReadAgainError;

/// Name of what has no name in the report.
const OWN_NAME: &str = "testplan";

/// The flavour of JUnit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// With file and line of cases, times of reruns, and properties on the first case of an execution.
    #[default]
    Default,
    /// Valid against `junit-10.xsd`.
    Strict,
}

/// Why JUnit could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// quick-junit refuses its input: a bug in testplan.
    #[error("the JUnit file could not be made: {0}")]
    Serialize(#[from] quick_junit::SerializeError),
    /// The records changed meanwhile.
    #[error(transparent)]
    Records(#[from] ReadAgainError),
    /// The output cannot be written.
    #[error("the JUnit file cannot be written: {0}")]
    Write(#[from] io::Error),
}
