//! Uploads the results folder of an execution, under its lease or later, and files that the user names.
//!
//! Never twice: a record is written before an upload begins, and another about how it ended.

pub(crate) mod pack;
pub(crate) mod pending;

use std::path::Path;

use pack::{PackError, Packed};

use crate::{
    client::{Client, ClientError, Import, Imported, UnclearOutcome},
    model::Label,
};

/// Uploads results with the labels of this process's workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploader {
    /// The capabilities of the workers, and what the CI provides.
    pub labels: Vec<Label>,
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadTarget<'a> {
    pub project: &'a str,
    pub batch: &'a str,
    /// Identifies this upload, also when another process repeats it.
    pub key: String,
}

/// Why results were not uploaded.
#[derive(Debug)]
pub struct NotUploaded {
    /// Why.
    pub reason: String,
    /// The service may have received them all the same.
    pub unclear: bool,
}

impl Uploader {
    /// Packs a results folder; `None` if there is nothing in it.
    pub(crate) async fn pack(&self, folder: &Path) -> Result<Option<Packed>, NotUploaded> {
        let folder = folder.to_owned();
        let packed = tokio::task::spawn_blocking(move || pack::folder(&folder)).await;
        packed
            .unwrap_or_else(|error| Err(PackError::interrupted(&error)))
            .map_err(NotUploaded::from)
    }

    /// Uploads packed files. After the future was dropped, the last argument knows whether the service may have received
    /// them.
    pub(crate) async fn upload(
        &self,
        client: &Client,
        packed: &Packed,
        to: UploadTarget<'_>,
        doubt: &UnclearOutcome,
    ) -> Result<Imported, NotUploaded> {
        let import = Import {
            project: to.project.to_owned(),
            batch: to.batch.to_owned(),
            labels: self.labels.clone(),
            files: packed.files.clone(),
            key: Some(to.key),
        };
        Ok(client.import_tracked(&import, doubt).await?)
    }
}

/// The key of an attempt's upload: the same for its worker and for a later `testplan upload`.
pub(crate) fn upload_key(worker: &str, folder: &str) -> String {
    let key = format!("upload {worker} {folder}");
    key.chars().take(200).collect()
}

impl From<PackError> for NotUploaded {
    fn from(error: PackError) -> Self {
        Self {
            reason: error.to_string(),
            unclear: false,
        }
    }
}

impl From<ClientError> for NotUploaded {
    fn from(error: ClientError) -> Self {
        Self {
            unclear: error.may_have_happened,
            reason: error.to_string(),
        }
    }
}
