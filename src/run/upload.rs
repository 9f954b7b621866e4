//! Uploads what an execution left in its results folder, under its lease, and what people name.
//!
//! Never twice: before anything travels the record says so, and what came of it is written down after.

pub mod pack;
pub mod pending;

use std::path::Path;

use pack::{PackError, Packed};

use crate::{
    client::{Client, ClientError, Doubt, Import, Imported},
    model::Label,
};

/// Uploads results with the labels of this process's workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploader {
    /// What the results are made with, and what the CI knows.
    pub labels: Vec<Label>,
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Project.
    pub project: &'a str,
    /// Batch.
    pub batch: &'a str,
    /// What tells this upload from all others, also when it is made again by somebody else.
    pub key: String,
}

/// Why results did not get in.
#[derive(Debug)]
pub struct NotUploaded {
    /// In words.
    pub reason: String,
    /// They may have got in all the same.
    pub unclear: bool,
}

impl Uploader {
    /// Packs a results folder; `None` if there is nothing in it.
    pub async fn pack(&self, folder: &Path) -> Result<Option<Packed>, NotUploaded> {
        let folder = folder.to_owned();
        let packed = tokio::task::spawn_blocking(move || pack::folder(&folder)).await;
        packed
            .unwrap_or_else(|error| Err(PackError::interrupted(&error)))
            .map_err(NotUploaded::from)
    }

    /// Uploads what was packed. Whoever breaks it off asks `doubt` whether it may have got in.
    pub async fn upload(
        &self,
        client: &Client,
        packed: &Packed,
        to: Destination<'_>,
        doubt: &Doubt,
    ) -> Result<Imported, NotUploaded> {
        let import = Import {
            project: to.project.to_owned(),
            batch: to.batch.to_owned(),
            labels: self.labels.clone(),
            files: packed.files.clone(),
            key: Some(to.key),
        };
        Ok(client.import_told(&import, doubt).await?)
    }
}

/// The key of an attempt's upload: the same for its worker and for whoever uploads it later.
pub fn key(worker: &str, folder: &str) -> String {
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
