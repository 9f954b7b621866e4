//! Imports: uploaded files and their results. The service stores the files; the store knows their names and sizes.

use serde::{Deserialize, Serialize};

use crate::model::{Capabilities, Test, TestResult, Timestamp};

/// An upload to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// Not empty.
    pub project: String,
    /// Not empty.
    pub batch: String,
    /// Whether the service named the batch, because the upload had none.
    pub is_new_batch: bool,
    /// The capabilities that the results were made with.
    pub labels: Capabilities,
    /// The folder of its files, unique among imports.
    pub folder: String,
    pub files: Vec<KeptFile>,
    /// How many cases the files have.
    pub cases: u64,
    /// The results, one per test.
    pub tests: Vec<ReportedTest>,
    /// Idempotency key: a repeated upload is the same import for seven days.
    pub key: Option<String>,
    pub principal: String,
}

/// A stored file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// The name in the folder.
    pub name: String,
    pub content_type: String,
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// What could not be read.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The result that an import has for a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedTest {
    pub test: Test,
    pub result: TestResult,
}

/// An accepted import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Growing number.
    pub id: i64,
    pub project: String,
    pub batch: String,
    /// The capabilities that the results were made with.
    pub labels: Capabilities,
    /// The folder of its files.
    pub folder: String,
    pub files: Vec<KeptFile>,
    /// How many cases the files have.
    pub cases: u64,
    pub at: Timestamp,
}
