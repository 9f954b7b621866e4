//! `POST /import`: streams result files to disk, reads them, and has the store count them; and the list of imports.
//!
//! Files are written to a temporary folder, the folder is renamed, then the store adds the import. So no import counts
//! without its files, wherever the process dies.

mod multipart;
mod reported_tests;
pub(super) mod storage;
mod upload_kind;
mod upload_pace;
mod zipped;

use std::{io, sync::Arc, time::Duration};

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
    model::Label,
    store::{Import, NewImport},
};
use multipart::{MultipartReader, Part};
use reported_tests::ReportedTests;
use storage::IncomingImport;
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
    let disk = disk(shared, place);
    let mut incoming = IncomingImport::begin(place).await.map_err(&disk)?;
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
            RESULT | "result" => file(form, part, &mut incoming, (&mut fields, &disk)).await?,
            // Other releases of Test Center have further fields.
            _ => {}
        }
    }
    if incoming.files.is_empty() {
        return Err(HttpError::malformed(format!(
            "the form has no file: send at least one as {RESULT}, with a file name and its content type"
        )));
    }
    let (mut incoming, reported) = read(incoming, fields.kinds).await?;
    incoming.rename().await.map_err(&disk)?;
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
        files: incoming.files.clone(),
        cases: reported.cases,
        tests: reported.into_tests(),
        key: call.idempotency_key()?,
        principal: call.principal.clone(),
    };
    // The store call completes even if the client disconnects, so the files must stay from here on.
    let (name, folder) = (import.folder.clone(), incoming.keep());
    let answer = shared
        .ask(move |store, now| store.import(import, now))
        .await;
    let is_unused = match &answer {
        // Another folder belongs to an earlier upload under the same key: this one is a repetition.
        Ok(import) => import.folder != name,
        Err(failure) => matches!(failure, HttpError::Refused(_)),
    };
    // A failure to remove the copy does not change the answer.
    if is_unused && let Err(error) = tokio::fs::remove_dir_all(&folder).await {
        tracing::warn!(%error, folder = %folder.display(), "cannot remove the files of an upload that does not count");
    }
    answer
}

/// Writes one file to disk.
async fn file(
    form: &mut MultipartReader,
    part: Part,
    incoming: &mut IncomingImport,
    (fields, disk): (&mut Fields, &(impl Fn(io::Error) -> HttpError + Sync)),
) -> Result<(), HttpError> {
    let Some(name) = part.file.filter(|name| !name.is_empty()) else {
        return Err(HttpError::malformed(format!(
            "a {RESULT} of the form has no file name, as curl -F '{RESULT}=@results.xml' sends it"
        )));
    };
    if incoming.files.len() == MAX_FILES {
        return Err(HttpError::malformed(format!(
            "the form has more than {MAX_FILES} files: send them zipped"
        )));
    }
    let kind = FileKind::of(part.content_type.as_deref(), &name).map_err(HttpError::malformed)?;
    let content_type = part
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let mut incoming_file = incoming.file(&name, content_type).await.map_err(disk)?;
    while let Some(chunk) = form.chunk().await? {
        incoming_file.write(&chunk).await.map_err(disk)?;
    }
    incoming.end(incoming_file).await.map_err(disk)?;
    fields.kinds.push(kind);
    Ok(())
}

/// Reads the result files of an upload on a blocking thread.
async fn read(
    mut incoming: IncomingImport,
    kinds: Vec<FileKind>,
) -> Result<(IncomingImport, ReportedTests), HttpError> {
    let reading = move || {
        let mut reported = ReportedTests::default();
        for (index, kind) in kinds.into_iter().enumerate() {
            let path = incoming.path(&incoming.files[index]);
            let notes = reported.read(&path, kind).map_err(|why| {
                HttpError::malformed(format!(
                    "the file {} is not a result file: {why}",
                    incoming.files[index].name
                ))
            })?;
            incoming.files[index].notes = notes;
        }
        Ok((incoming, reported))
    };
    tokio::task::spawn_blocking(reading)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "reading an upload failed");
            Err(HttpError::Broken)
        })
}

/// The answer to an upload that cannot be written to disk; the client may try again.
fn disk(shared: &ServiceState, place: &ImportStorage) -> impl Fn(io::Error) -> HttpError {
    move |error| HttpError::Disk(shared.upload_disk.record(&error, &place.folder))
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
