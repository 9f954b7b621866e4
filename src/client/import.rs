//! Uploads result files: Test Center's `POST /import`, streamed, and never twice.
//!
//! A request counts as not sent until the closing boundary of its body was sent: before that, it is safe to repeat after
//! a broken connection. Later, only testplan's own service is asked again, under the same `Idempotency-Key`.

use http::Method;

use super::{
    Client, ClientError, ErrorKind, Import, ServiceKind, UnclearOutcome, UploadForm,
    answer::accepted, call::Call,
};
use crate::{
    api::{
        self,
        import::{ImportResponse, PATH},
    },
    random::unique_key,
};

/// An accepted upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Number of files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// What testplan's service answered; `None` from Test Center, whose answer is not documented.
    pub answer: Option<ImportResponse>,
}

impl Client {
    /// Uploads results. Retries for [`super::Patience::finish`] while the service is down. A request that makes no
    /// progress for [`super::Patience::request`] is aborted; its answer may take ten times as long.
    ///
    /// After an error with `may_have_happened` it is unknown whether the service accepted the upload.
    pub async fn import(&self, import: &Import) -> Result<Imported, ClientError> {
        self.import_tracked(import, &UnclearOutcome::default())
            .await
    }

    /// The same. A caller that aborts it finds in `outcome` whether the service may have accepted the upload.
    pub async fn import_tracked(
        &self,
        import: &Import,
        outcome: &UnclearOutcome,
    ) -> Result<Imported, ClientError> {
        let key = import.key.clone().unwrap_or_else(unique_key);
        let call = Call::at(Method::POST, PATH.to_owned()).header(api::IDEMPOTENCY_KEY, &key);
        let form = match UploadForm::new(import, outcome.clone()) {
            Ok(form) => form,
            Err(reason) => return Err(call.error(ErrorKind::Unreadable { reason }, 0, false)),
        };
        let (files, bytes) = (form.files(), form.file_bytes());
        let call = call.form(form);
        self.check_service().await?;
        let read = |body: &[u8]| {
            accepted(body).map(|()| serde_json::from_slice::<ImportResponse>(body).ok())
        };
        let got = self.persist(&call, self.upload_rule(), read).await?;
        Ok(Imported {
            files,
            bytes,
            answer: got.value,
        })
    }

    /// Sends a small request before gigabytes: a wrong address, a log-in page or a rejected token shows here. A service
    /// that only takes uploads may refuse this request; the upload is sent nevertheless.
    async fn check_service(&self) -> Result<(), ClientError> {
        if self.service_kind() != ServiceKind::Unknown {
            return Ok(());
        }
        let call = Call::new(Method::GET, "squishservers");
        match self.ask(&call, accepted).await {
            Err(error) => match error.kind {
                ErrorKind::Unreachable { .. }
                | ErrorKind::Untrusted { .. }
                | ErrorKind::Redirected { .. }
                | ErrorKind::Unauthorized { status: 401, .. } => Err(error),
                _ => Ok(()),
            },
            Ok(()) => Ok(()),
        }
    }
}
