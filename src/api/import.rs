//! Uploading results: `POST /import` of Test Center's result upload API, beside the execution API.
//!
//! Source: <https://doc.qt.io/testcenter/upload.html>. What Test Center answers is not documented: our client takes any
//! confirmation, and everything in [`ImportResponse`] is *additive*. So is the list of imports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Capability;

/// The path of the upload, at the root of the service.
pub const PATH: &str = "/import";
/// Field of the form: the project, created if unknown; empty for `default`.
pub const PROJECT: &str = "project";
/// What else the page calls it.
pub const PROJECT_ALIAS: &str = "name";
/// Field of the form: the batch, created if unknown; empty for a new one.
pub const BATCH: &str = "batch";
/// Field of the form, as often as wanted: `key=value`.
pub const LABEL: &str = "label[]";
/// Field of the form, at least once: a file.
pub const RESULT: &str = "result[]";
/// What an empty project means.
pub const DEFAULT_PROJECT: &str = "default";

/// The form, for the description; it travels as `multipart/form-data`.
#[derive(Clone, Debug, JsonSchema)]
pub struct ImportForm {
    /// Project; `default` if empty or absent.
    #[schemars(default)]
    pub project: Option<String>,
    /// Batch; a new one if empty or absent.
    #[schemars(default)]
    pub batch: Option<String>,
    /// Labels of the results, each `key=value` without line breaks, commas and double quotes.
    #[serde(rename = "label[]")]
    #[schemars(default)]
    pub labels: Option<Vec<String>>,
    /// Files, each with a name and its content type: Squish XML, JUnit and other xUnit (`application/xml`, `text/xml`),
    /// a zipped results folder (`application/zip`), the results of an HTML report (`application/javascript`), Coco's
    /// `.csmes` and `.csexe` (`application/octet-stream`).
    #[serde(rename = "result[]")]
    pub results: Vec<FileContent>,
}

/// The bytes of a file.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(extend("format" = "binary"))]
pub struct FileContent(pub String);

/// Answer of an upload that was taken. *Additive.*
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportResponse {
    /// Its number.
    pub id: i64,
    /// The project, also if it was not named.
    pub project: String,
    /// The batch, also if it was not named.
    pub batch: String,
    /// The labels.
    pub labels: Vec<Capability>,
    /// The folder in which they are kept, below the service's own for imports.
    pub folder: String,
    /// The files, as they are kept.
    pub files: Vec<ImportedFile>,
    /// How many cases their result files have.
    pub cases: u64,
    /// When, milliseconds since epoch.
    pub at: i64,
}

/// A file that was taken. *Additive.*
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedFile {
    /// Its name in the form, cleaned.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
    /// Remarks of the import, such as what could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
