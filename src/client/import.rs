//! Uploads result files: Test Center's `POST /import`, streamed, and never twice.
//!
//! A request counts as not sent until its body was handed out to the closing boundary: a connection that breaks
//! before is safe to repeat. Later, only our own service is asked again, under the same `Idempotency-Key`.

mod form;
mod kind;
mod upload;

use std::path::PathBuf;

use http::Method;

use super::{
    Client, ClientError, ErrorKind,
    answer::accepted,
    call::Call,
    retry::{Repeat, unique_key},
};
use crate::{
    api::{
        self,
        import::{ImportResponse, PATH},
    },
    model::Label,
};

pub use form::Form;
pub use kind::{FileKind, UnknownKind};
pub use upload::{Doubt, Handed, Upload};

/// What to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Project; empty for `default`.
    pub project: String,
    /// Batch; empty for a new one.
    pub batch: String,
    /// What the results were made with.
    pub labels: Vec<Label>,
    /// The files, at least one.
    pub files: Vec<ResultFile>,
    /// What makes this upload the same as an earlier one that may have got in; a new key otherwise. Our own service
    /// knows it by that.
    pub key: Option<String>,
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called there; characters that a form cannot carry are replaced.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
}

/// An upload that got in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// How many files.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What our own service says of it; `None` of Test Center, whose answer is not documented.
    pub answer: Option<ImportResponse>,
}

impl Client {
    /// Uploads results, for as long as [`super::Patience::finish`] if the service is away. One request that makes no
    /// progress for [`super::Patience::request`] is broken off; its answer may take ten times as long.
    ///
    /// An error with `may_have_happened` means that nobody knows whether it got in.
    pub async fn import(&self, import: &Import) -> Result<Imported, ClientError> {
        self.import_told(import, &Doubt::default()).await
    }

    /// The same, and whoever breaks it off can see whether it may have got in.
    pub async fn import_told(
        &self,
        import: &Import,
        doubt: &Doubt,
    ) -> Result<Imported, ClientError> {
        let key = import.key.clone().unwrap_or_else(unique_key);
        let call = Call::at(Method::POST, PATH.to_owned()).header(api::IDEMPOTENCY_KEY, &key);
        let form = match Form::new(import, doubt.clone()) {
            Ok(form) => form,
            Err(reason) => return Err(call.error(ErrorKind::Unreadable { reason }, 0, false)),
        };
        let (files, bytes) = (form.files(), form.file_bytes());
        let call = call.form(form);
        self.greet().await?;
        let read = |body: &[u8]| {
            accepted(body).map(|()| serde_json::from_slice::<ImportResponse>(body).ok())
        };
        let got = self.persist(&call, self.uploads(), read).await?;
        Ok(Imported {
            files,
            bytes,
            answer: got.value,
        })
    }

    /// Finds out whom it speaks to before gigabytes travel: a wrong address, a log-in page or a rejected token cost one
    /// small request then. A service that only takes uploads may refuse this one and be asked all the same.
    async fn greet(&self) -> Result<(), ClientError> {
        if self.is_ours().is_some() {
            return Ok(());
        }
        let call = Call::new(Method::GET, "squishservers");
        let rule = self.rides_out(Repeat::Freely);
        match self.persist(&call, rule, accepted).await {
            Err(error) => match error.kind {
                ErrorKind::Unreachable { .. }
                | ErrorKind::Redirected { .. }
                | ErrorKind::Unauthorized { status: 401, .. } => Err(error),
                _ => Ok(()),
            },
            Ok(_) => Ok(()),
        }
    }
}
