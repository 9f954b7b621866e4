//! `POST /import`: streams result files to a folder or a bucket, reads them, and has the store count them; and the list of
//! imports.
//!
//! Files are complete before the store adds the import, and what does not get that far is removed. So no import counts without
//! its files, wherever the process dies.

mod multipart;
mod reported_tests;
pub(super) mod storage;
mod upload_kind;
mod upload_pace;
mod zipped;

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::header::CONTENT_TYPE;

use super::{
    http_error::HttpError,
    listings::{after, limit},
    request_parts::{EmptyBody, RequestHead},
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::{
        execution_list::PageResponse,
        import::{BATCH, DEFAULT_PROJECT, ImportResponse, LABEL, PROJECT, PROJECT_ALIAS, RESULT},
    },
    files::{ArrivedFile, ImportName, IncomingFiles, StorageError},
    model::Label,
    store::{Import, KeptFile, NewImport},
};
use multipart::{MultipartReader, Part};
use reported_tests::ReportedTests;
use upload_kind::FileKind;

pub use storage::ImportStorage;

/// Most files of an upload; more must be zipped.
const MAX_FILES: usize = 1_000;
/// Longest text of a field, in bytes.
const MAX_TEXT: usize = 4 * 1024;
/// How long the rest of a refused upload is read before the answer.
const DRAIN: Duration = Duration::from_secs(5);

/// The fields of a form.
#[derive(Debug, Default)]
struct Fields {
    project: String,
    batch: String,
    labels: Vec<Label>,
    files: Vec<KeptFile>,
    kinds: Vec<FileKind>,
}

/// `POST /import`
pub(super) async fn import(
    shared: Arc<ServiceState>,
    call: RequestHead,
    body: Body,
) -> Result<ImportResponse, HttpError> {
    let Some(place) = shared.imports.get().cloned() else {
        return Err(HttpError::NoPath(
            "this service accepts no uploads: it was started without a folder for them".to_owned(),
        ));
    };
    let content_type = call.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let mut form = MultipartReader::new(
        content_type.unwrap_or_default(),
        body,
        place.limit,
        shared.limits.body,
    )?;
    form.limit_pace(Arc::clone(&shared.slow_uploads));
    let permit = Arc::clone(&shared.uploads).try_acquire_owned();
    let result = match permit {
        Ok(_permit) => take(&shared, &place, &call, &mut form).await,
        Err(_) => Err(HttpError::Busy),
    };
    match result {
        Ok(import) => Ok(to_wire::import(import)),
        Err(failure) => {
            form.drain(DRAIN).await;
            Err(failure)
        }
    }
}

/// Reads a form to its end, reads its files, and has the store count them.
async fn take(
    shared: &ServiceState,
    place: &ImportStorage,
    call: &RequestHead,
    form: &mut MultipartReader,
) -> Result<Import, HttpError> {
    let failed = |error: StorageError| HttpError::Uploads(shared.upload_faults.record(error));
    let begun = IncomingFiles::begin(&place.files).await;
    let mut incoming = begun.map_err(failed)?;
    let mut fields = Fields::default();
    while let Some(part) = form.next().await? {
        match part.name.as_str() {
            PROJECT | PROJECT_ALIAS => fields.project = form.text(PROJECT, MAX_TEXT).await?,
            BATCH => fields.batch = form.text(BATCH, MAX_TEXT).await?,
            LABEL | "label" => {
                let text = form.text(LABEL, MAX_TEXT).await?;
                let label = text.parse::<Label>();
                fields
                    .labels
                    .push(label.map_err(|error| HttpError::malformed(error.to_string()))?);
            }
            RESULT | "result" => file(form, part, &mut incoming, (&mut fields, &failed)).await?,
            // Other releases of Test Center have further fields.
            _ => {}
        }
    }
    if fields.files.is_empty() {
        return Err(HttpError::malformed(format!(
            "the form has no file: send at least one as {RESULT}, with a file name and its content type"
        )));
    }
    let read = read(incoming, fields.files, fields.kinds).await?;
    let (incoming, files, reported) = read.map_err(|problem| match problem {
        ReadProblem::NoResults(text) => HttpError::malformed(text),
        ReadProblem::Storage(error) => failed(error),
    })?;
    let is_new_batch = fields.batch.trim().is_empty();
    let import = NewImport {
        project: match fields.project.trim() {
            "" => DEFAULT_PROJECT.to_owned(),
            project => project.to_owned(),
        },
        batch: if is_new_batch {
            format!("Import {}", incoming.name())
        } else {
            fields.batch.trim().to_owned()
        },
        is_new_batch,
        labels: fields.labels.into_iter().map(Into::into).collect(),
        folder: incoming.name().to_owned(),
        files,
        cases: reported.cases,
        tests: reported.into_tests(),
        key: call.idempotency_key()?,
        principal: call.principal.clone(),
    };
    let name = import.folder.clone();
    let sealed = ImportName {
        project: import.project.clone(),
        batch: import.batch.clone(),
    };
    // The store call completes even if the client disconnects, so the files must stay from here on.
    let sealed = incoming.seal(sealed).await.map_err(failed)?;
    let answer = shared
        .ask(move |store, now| store.import(import, now))
        .await;
    let settled = match &answer {
        Ok(import) if import.folder == name => sealed.keep().await,
        // Another folder belongs to an earlier upload under the same key: this one is a repetition.
        Ok(_) | Err(HttpError::Refused(_)) => sealed.remove().await,
        // The store may have the import.
        Err(_) => Ok(()),
    };
    // This does not change the answer.
    if let Err(error) = settled {
        tracing::warn!(%error, upload = %name, "cannot clean up after an upload");
    }
    answer
}

/// Stores one file.
async fn file(
    form: &mut MultipartReader,
    part: Part,
    incoming: &mut IncomingFiles,
    (fields, failed): (&mut Fields, &(impl Fn(StorageError) -> HttpError + Sync)),
) -> Result<(), HttpError> {
    let Some(name) = part.file.filter(|name| !name.is_empty()) else {
        return Err(HttpError::malformed(format!(
            "a {RESULT} of the form has no file name, as curl -F '{RESULT}=@results.xml' sends it"
        )));
    };
    if fields.files.len() == MAX_FILES {
        return Err(HttpError::malformed(format!(
            "the form has more than {MAX_FILES} files: send them zipped"
        )));
    }
    let kind = FileKind::of(part.content_type.as_deref(), &name).map_err(HttpError::malformed)?;
    let content_type = part
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    incoming.file(&name).await.map_err(failed)?;
    while let Some(chunk) = form.chunk().await? {
        incoming.write(chunk).await.map_err(failed)?;
    }
    let ArrivedFile {
        name,
        bytes,
        sha256,
    } = incoming.end().await.map_err(failed)?;
    fields.files.push(KeptFile {
        name,
        content_type: content_type.to_owned(),
        bytes,
        sha256,
        notes: Vec::new(),
    });
    fields.kinds.push(kind);
    Ok(())
}

/// Why the files of an upload were not read.
#[derive(Debug)]
enum ReadProblem {
    /// A sentence for the client.
    NoResults(String),
    Storage(StorageError),
}

type ReadFiles = (IncomingFiles, Vec<KeptFile>, ReportedTests);

/// Reads the result files of an upload on a blocking thread.
async fn read(
    incoming: IncomingFiles,
    mut files: Vec<KeptFile>,
    kinds: Vec<FileKind>,
) -> Result<Result<ReadFiles, ReadProblem>, HttpError> {
    let reading = move || {
        let mut reported = ReportedTests::default();
        for (file, kind) in files.iter_mut().zip(kinds) {
            let content = incoming.reader(&file.name, file.bytes);
            let read = reported.read(content.map_err(ReadProblem::Storage)?, kind);
            if let Some(error) = incoming.read_fault() {
                return Err(ReadProblem::Storage(error));
            }
            file.notes = read.map_err(|why| {
                let name = &file.name;
                ReadProblem::NoResults(format!("the file {name} is not a result file: {why}"))
            })?;
        }
        Ok((incoming, files, reported))
    };
    tokio::task::spawn_blocking(reading).await.map_err(|error| {
        tracing::error!(%error, "reading an upload failed");
        HttpError::Broken
    })
}

/// `GET imports`
pub(super) async fn list(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PageResponse<ImportResponse>, HttpError> {
    let (project, batch) = (call.query("project")?, call.query("batch")?);
    let (after, limit) = (after(&call)?, limit(&call)?);
    let page = shared
        .ask(move |store, _| store.imports(project, batch, after, limit))
        .await?;
    Ok(to_wire::page(page, to_wire::import))
}
