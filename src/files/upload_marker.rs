//! The marker of an upload in a bucket: written before its first file, removed after its last step.
//!
//! While it exists, everything that the upload stored can be found and removed: objects by the name of the upload,
//! unfinished multipart uploads by their ids.

use serde::{Deserialize, Serialize};

/// What finds an import in the store of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportName {
    /// Its project.
    pub project: String,
    /// Its batch.
    pub batch: String,
}

/// A multipart upload that is not complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnfinishedFile {
    /// The name of the file.
    pub(super) file: String,
    /// The id that the server gave.
    pub(super) id: String,
}

/// What an upload has begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadMarker {
    pub(super) unfinished: Vec<UnfinishedFile>,
    /// Set once all files are complete: from now on the import may be in the store.
    pub(super) import: Option<ImportName>,
}

/// How old a marker is before its upload counts as abandoned, in seconds. The process of an upload renews it every five minutes.
pub(super) const ABANDONED_AFTER: i64 = 3600;
/// How old a marker is before it goes although an upload that it names cannot be ended, in seconds.
const HOPELESS_AFTER: i64 = 24 * 3600;

impl UploadMarker {
    /// Its text in the bucket.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has texts alone")
    }

    /// Reads a text; `None` if it is no marker.
    pub(super) fn from_json(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

/// Whether an upload is abandoned whose marker is from `written`, both in seconds by the clock of the bucket.
pub(super) fn is_abandoned(written: i64, now: i64) -> bool {
    now.saturating_sub(written) > ABANDONED_AFTER
}

/// Whether to stop trying to end a multipart upload.
pub(super) fn is_hopeless(written: i64, now: i64) -> bool {
    now.saturating_sub(written) > HOPELESS_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_reads_back_and_other_texts_are_none() {
        let marker = UploadMarker {
            unfinished: vec![UnfinishedFile {
                file: "001-a.zip".to_owned(),
                id: "x\"y".to_owned(),
            }],
            import: Some(ImportName {
                project: "p".to_owned(),
                batch: "b".to_owned(),
            }),
        };
        assert_eq!(UploadMarker::from_json(&marker.to_json()), Some(marker));
        for text in ["", "{}", "{\"unfinished\":", "null"] {
            assert_eq!(UploadMarker::from_json(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn upload_is_abandoned_after_an_hour_by_the_clock_of_the_bucket() {
        assert!(!is_abandoned(1_000, 1_000 + 3_600));
        assert!(is_abandoned(1_000, 1_000 + 3_601));
        assert!(!is_abandoned(1_000, 0), "a clock that was set back");
        assert!(!is_hopeless(1_000, 1_000 + 3_601));
        assert!(is_hopeless(1_000, 1_000 + 86_401));
    }
}
