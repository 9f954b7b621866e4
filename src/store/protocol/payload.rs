//! Digests, by which a repeated request is known, and the bounds of what a result may carry.

use sha2::{Digest as _, Sha256};

use super::super::{ExecutePlan, Finish, NewImport, Reserve};
use crate::model::{Capability, Outcome, TestVerdict};

/// A digest of a request.
pub type Digest = [u8; 32];

/// Most bytes kept of a result's message.
pub const MAX_MESSAGE: usize = 8 * 1024;
/// Most bytes kept of a result's details.
pub const MAX_DETAILS: usize = 64 * 1024;

/// A digest over parts, each with its length, so that moving text from one to the next changes it.
pub fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What makes two results the same: message, details and verdict.
pub fn of_result(finish: &Finish) -> Digest {
    let result = finish.result.map_or_else(String::new, |r| {
        format!("{:?} {} {}", r.verdict, r.duration_ms, r.flaky)
    });
    digest(&[
        finish.message.as_bytes(),
        finish.details.as_bytes(),
        result.as_bytes(),
    ])
}

/// What makes two requests for a plan the same: all but who asks, under which key.
pub fn of_execute(request: &ExecutePlan) -> Digest {
    let rest = format!(
        "{} {:?} {:?}",
        request.template, request.planned, request.repositories
    );
    let mut parts = vec![
        request.title.as_bytes(),
        request.batch.as_bytes(),
        rest.as_bytes(),
    ];
    // Whether the list came along does not matter: its digest says what is in it.
    parts.extend(request.tests.as_ref().map(|tests| tests.digest.bytes()));
    digest(&parts)
}

/// What makes two uploads the same: where they go, their labels, and every file by its digest. Not what was read of
/// them, nor a batch that was made for one, nor hidden labels: they say who uploads it, as the link to a CI's job, and
/// what one job left is uploaded again by the next.
pub fn of_import(import: &NewImport) -> Digest {
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
    let labels: Vec<&Capability> = import
        .labels
        .iter()
        .filter(|label| !label.key.starts_with('.'))
        .collect();
    digest(&[
        import.project.as_bytes(),
        batch.as_bytes(),
        format!("{labels:?}").as_bytes(),
        files.join("\n").as_bytes(),
    ])
}

/// What makes two reservations the same.
pub fn of_reserve(request: &Reserve) -> Digest {
    let rest = format!(
        "{} {:?} {} {:?}",
        request.plan, request.timeout, request.allocate_server, request.worker
    );
    digest(&[format!("{:?}", request.offered).as_bytes(), rest.as_bytes()])
}

/// What a result means. Any message or details: it could not run, whatever verdict stands beside them.
pub fn outcome(finish: &Finish) -> Outcome {
    if finish.message.is_empty() && finish.details.is_empty() {
        Outcome::Completed {
            result: finish.result,
        }
    } else {
        Outcome::ExecutionError {
            message: cut(&finish.message, MAX_MESSAGE),
            details: cut(&finish.details, MAX_DETAILS),
        }
    }
}

/// The verdict that is counted, if the outcome has one.
pub fn verdict(outcome: &Outcome) -> Option<TestVerdict> {
    match outcome {
        Outcome::Completed { result } => result.map(|r| r.verdict),
        Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled => None,
    }
}

/// A text cut to at most `most` bytes between two characters, without NUL. A result is never refused for its length.
pub fn cut(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("häuser", 2), "h");
        assert_eq!(cut("häuser", 3), "hä");
        assert_eq!(cut("a\0b", 9), "a\u{fffd}b");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
