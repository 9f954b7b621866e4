//! Taking result files: `POST /import`, streamed to disk, read, and counted by the store; and the list of imports.
//!
//! Order makes it safe: files arrive beside, are put in place whole, then the store learns of them. A process that
//! dies anywhere leaves no import that counts without its files.

mod cases;
mod form;
mod keep;
mod zipped;

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use http::header::CONTENT_TYPE;

use super::{
    convert,
    failure::Failure,
    listings::{after, limit},
    request::{Call, NoBody},
    shared::Shared,
};
use crate::{
    api::{
        import::{BATCH, DEFAULT_PROJECT, ImportResponse, LABEL, PROJECT, PROJECT_ALIAS, RESULT},
        listing::PageResponse,
    },
    model::Label,
    store::{Import, NewImport},
};
use cases::{Content, Gathered};
use form::{Form, Part};
use keep::Incoming;

pub use keep::ImportPlace;

/// Most files of an upload; more go zipped.
const FILES: usize = 1_000;
/// Longest text of a field, in bytes.
const TEXT: usize = 4 * 1024;
/// How long the rest of a refused upload is taken before it is answered.
const LINGER: Duration = Duration::from_secs(5);

/// What the fields of a form say.
#[derive(Debug, Default)]
struct Fields {
    project: String,
    batch: String,
    labels: Vec<Label>,
    contents: Vec<Content>,
}

/// `POST /import`
pub(super) async fn import(
    shared: Arc<Shared>,
    call: Call,
    body: Body,
) -> Result<ImportResponse, Failure> {
    let Some(place) = shared.imports.get().cloned() else {
        return Err(Failure::NoPath(
            "this service keeps no uploads: it was started without a folder for them".to_owned(),
        ));
    };
    let content_type = call.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let mut form = Form::new(
        content_type.unwrap_or_default(),
        body,
        place.limit,
        shared.limits.body,
    )?;
    let permit = Arc::clone(&shared.uploads).try_acquire_owned();
    let taken = match permit {
        Ok(_permit) => take(&shared, &place, &call, &mut form).await,
        Err(_) => Err(Failure::Busy),
    };
    match taken {
        Ok(import) => Ok(convert::import(import)),
        Err(failure) => {
            form.linger(LINGER).await;
            Err(failure)
        }
    }
}

/// Takes a form to its end, reads its files, and has the store count them.
async fn take(
    shared: &Shared,
    place: &ImportPlace,
    call: &Call,
    form: &mut Form,
) -> Result<Import, Failure> {
    let mut incoming = Incoming::begin(place).await.map_err(disk)?;
    let mut fields = Fields::default();
    while let Some(part) = form.next().await? {
        match part.name.as_str() {
            PROJECT | PROJECT_ALIAS => fields.project = form.text(PROJECT, TEXT).await?,
            BATCH => fields.batch = form.text(BATCH, TEXT).await?,
            LABEL | "label" => {
                let text = form.text(LABEL, TEXT).await?;
                let label = text.parse::<Label>();
                fields
                    .labels
                    .push(label.map_err(|error| Failure::malformed(error.to_string()))?);
            }
            RESULT | "result" => file(form, part, &mut incoming, &mut fields).await?,
            // Fields of other releases of Test Center: not ours to refuse.
            _ => {}
        }
    }
    if incoming.files.is_empty() {
        return Err(Failure::malformed(format!(
            "the form has no file: send at least one as {RESULT}, with a file name and its content type"
        )));
    }
    let (mut incoming, gathered) = read(incoming, fields.contents).await?;
    incoming.put_in_place().await.map_err(disk)?;
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
        cases: gathered.cases,
        tests: gathered.into_tests(),
        key: call.idempotency_key()?,
        principal: call.principal.clone(),
    };
    // What the store was asked is done even if the client goes away now: the files must be there then.
    let (name, folder) = (import.folder.clone(), incoming.keep());
    let answer = shared
        .ask(move |store, now| store.import(import, now))
        .await;
    let is_unknown = match &answer {
        // Another folder is that of an earlier upload under the same key: this one was a repetition.
        Ok(import) => import.folder != name,
        Err(failure) => matches!(failure, Failure::Refused(_)),
    };
    // The answer stands whatever becomes of the copy.
    if is_unknown && let Err(error) = tokio::fs::remove_dir_all(&folder).await {
        tracing::warn!(%error, folder = %folder.display(), "an upload that does not count could not be removed");
    }
    answer
}

/// Takes one file.
async fn file(
    form: &mut Form,
    part: Part,
    incoming: &mut Incoming,
    fields: &mut Fields,
) -> Result<(), Failure> {
    let Some(name) = part.file.filter(|name| !name.is_empty()) else {
        return Err(Failure::malformed(format!(
            "a {RESULT} of the form has no file name, as curl -F '{RESULT}=@results.xml' sends it"
        )));
    };
    if incoming.files.len() == FILES {
        return Err(Failure::malformed(format!(
            "the form has more than {FILES} files: send them zipped"
        )));
    }
    let content = Content::of(part.content_type.as_deref(), &name).map_err(Failure::malformed)?;
    let content_type = part
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let mut arriving = incoming.file(&name, content_type).await.map_err(disk)?;
    while let Some(chunk) = form.chunk().await? {
        arriving.write(&chunk).await.map_err(disk)?;
    }
    incoming.end(arriving).await.map_err(disk)?;
    fields.contents.push(content);
    Ok(())
}

/// Reads the result files of an upload where blocking is fine.
async fn read(
    mut incoming: Incoming,
    contents: Vec<Content>,
) -> Result<(Incoming, Gathered), Failure> {
    let reading = move || {
        let mut gathered = Gathered::default();
        for (index, content) in contents.into_iter().enumerate() {
            let path = incoming.path(&incoming.files[index]);
            let notes = gathered.read(&path, content).map_err(|why| {
                Failure::malformed(format!(
                    "the file {} is no result file: {why}",
                    incoming.files[index].name
                ))
            })?;
            incoming.files[index].notes = notes;
        }
        Ok((incoming, gathered))
    };
    tokio::task::spawn_blocking(reading)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "reading an upload failed");
            Err(Failure::Broken)
        })
}

/// The disk is at fault: for the log, and the client may try again.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where an error is mapped"
)]
fn disk(error: io::Error) -> Failure {
    tracing::error!(%error, "an upload could not be kept");
    Failure::Broken
}

/// `GET imports`
pub(super) async fn list(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<PageResponse<ImportResponse>, Failure> {
    let (project, batch) = (call.query("project")?, call.query("batch")?);
    let (after, limit) = (after(&call)?, limit(&call)?);
    let page = shared
        .ask(move |store, _| store.imports(project, batch, after, limit))
        .await?;
    Ok(convert::page(page, convert::import))
}
