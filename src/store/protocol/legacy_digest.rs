//! Digests as releases before versioned digests stored them: SHA-256 over the debug output of Rust values.
//!
//! The rows live on: idempotency keys for seven days, results as long as their execution, definitions of templates until
//! their file changes. So this form is written out here, and must never change. `{:?}` stands for texts and durations of
//! the standard library alone.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::super::{ExecutePlan, Finish, NewImport, Reserve, TemplateDefinition};
use crate::model::{Capabilities, Capability, TestVerdict};

/// A digest without a version.
pub(crate) type LegacyDigest = [u8; 32];

/// A digest over parts, each after its length, so that moving text from one part to the next changes it.
fn digest(parts: &[&[u8]]) -> LegacyDigest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

pub(super) fn of_key(kind: &str, principal: &str, key: &str) -> LegacyDigest {
    digest(&[kind.as_bytes(), principal.as_bytes(), key.as_bytes()])
}

pub(super) fn of_result(finish: &Finish) -> LegacyDigest {
    let result = finish.result.map_or_else(String::new, |result| {
        let verdict = match result.verdict {
            TestVerdict::Passed => "Passed",
            TestVerdict::Failed => "Failed",
            TestVerdict::Skipped => "Skipped",
        };
        format!("{verdict} {} {}", result.duration_ms, result.flaky)
    });
    digest(&[
        finish.message.as_bytes(),
        finish.details.as_bytes(),
        result.as_bytes(),
    ])
}

pub(super) fn of_execute(request: &ExecutePlan) -> LegacyDigest {
    let mut rest = request.template.0.to_string();
    match request.planned {
        None => rest.push_str(" None ["),
        Some(at) => _ = write!(rest, " Some(Timestamp({})) [", at.0),
    }
    for (index, repository) in request.repositories.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let (id, branch) = (repository.id, &repository.branch);
        _ = write!(
            rest,
            "{comma}LinkedRepository {{ id: {id}, branch: {branch:?} }}"
        );
    }
    rest.push(']');
    let mut parts = vec![
        request.title.as_bytes(),
        request.batch.as_bytes(),
        rest.as_bytes(),
    ];
    parts.extend(request.tests.as_ref().map(|tests| tests.digest.bytes()));
    digest(&parts)
}

pub(super) fn of_import(import: &NewImport) -> LegacyDigest {
    let batch = if import.is_new_batch {
        ""
    } else {
        &import.batch
    };
    let files: Vec<String> = import
        .files
        .iter()
        .map(|file| format!("{} {} {}", file.sha256, file.content_type, file.name))
        .collect();
    digest(&[
        import.project.as_bytes(),
        batch.as_bytes(),
        debug_list(visible(&import.labels)).as_bytes(),
        files.join("\n").as_bytes(),
    ])
}

pub(super) fn of_template(template: &TemplateDefinition) -> LegacyDigest {
    let tags = to_json(&template.tags);
    let labels: Vec<String> = template
        .executions
        .iter()
        .map(|planned| to_json(&planned.required))
        .collect();
    let mut parts: Vec<&[u8]> = vec![template.description.as_bytes(), tags.as_bytes()];
    for (planned, labels) in template.executions.iter().zip(&labels) {
        parts.push(planned.test.suite.as_bytes());
        parts.push(planned.test.testcase.as_bytes());
        parts.push(labels.as_bytes());
    }
    digest(&parts)
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("texts and lists of texts are always JSON")
}

pub(super) fn of_reserve(request: &Reserve) -> LegacyDigest {
    let worker = match &request.worker {
        None => "None".to_owned(),
        Some(worker) => format!("Some({worker:?})"),
    };
    let rest = format!(
        "{} {:?} {} {worker}",
        request.plan.0, request.timeout, request.allocate_server
    );
    let offered = format!("Capabilities({})", debug_list(request.offered.iter()));
    digest(&[offered.as_bytes(), rest.as_bytes()])
}

/// The debug output of a list of capabilities.
fn debug_list<'a>(labels: impl Iterator<Item = &'a Capability>) -> String {
    let labels: Vec<String> = labels
        .map(|Capability { key, value }| format!("Capability {{ key: {key:?}, value: {value:?} }}"))
        .collect();
    format!("[{}]", labels.join(", "))
}

/// The labels that are not hidden.
pub(super) fn visible(labels: &Capabilities) -> impl Iterator<Item = &Capability> {
    labels.iter().filter(|label| !label.key.starts_with('.'))
}
