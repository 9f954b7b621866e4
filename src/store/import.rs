//! Imports: what was uploaded, and what it says of tests. The store knows no files, only what it is told of them.

use serde::{Deserialize, Serialize};

use crate::model::{Capabilities, Test, TestResult, Timestamp};

/// An upload to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// Project, not empty.
    pub project: String,
    /// Batch, not empty.
    pub batch: String,
    /// The batch was made for it: under the same key, the same upload gets the first one's.
    pub is_new_batch: bool,
    /// What the results were made with.
    pub labels: Capabilities,
    /// Where its files are kept: a name that no other import has.
    pub folder: String,
    /// Its files.
    pub files: Vec<KeptFile>,
    /// How many cases they told of.
    pub cases: u64,
    /// What they say of tests, one result each.
    pub tests: Vec<ReportedTest>,
    /// With a key, the same upload again is the same import for seven days.
    pub key: Option<String>,
    /// Who sent it.
    pub principal: String,
}

/// A file that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its name in the folder.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
    /// What of it could not be read.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What an import says of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedTest {
    /// The test.
    pub test: Test,
    /// What it came to.
    pub result: TestResult,
}

/// An import that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its number, growing.
    pub id: i64,
    /// Project.
    pub project: String,
    /// Batch.
    pub batch: String,
    /// What the results were made with.
    pub labels: Capabilities,
    /// Where its files are kept.
    pub folder: String,
    /// Its files.
    pub files: Vec<KeptFile>,
    /// How many cases they told of.
    pub cases: u64,
    /// When.
    pub at: Timestamp,
}
