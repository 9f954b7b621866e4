//! What `--files` names: a folder, or a bucket and a prefix.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::part_sender::PART;

/// The beginning of a URL of S3.
const SCHEME: &str = "s3://";

/// Where files are kept, as a flag names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesLocation {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of S3.
    Bucket(BucketUrl),
}

/// A bucket, and what the names of all objects begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    pub(super) bucket: String,
    /// Without slashes at its ends; may be empty.
    pub(super) prefix: String,
}

impl BucketUrl {
    /// The largest file that fits into as many parts as S3 allows, in bytes.
    pub const MAX_FILE: u64 = PART as u64 * 10_000;
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "{SCHEME}{}{slash}{}", self.bucket, self.prefix)
    }
}

/// Why a URL names no place for files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is no place for files: {reason}")]
pub struct LocationError {
    text: String,
    reason: &'static str,
}

impl LocationError {
    /// One thing to do.
    pub const HELP: &'static str = "write a folder, or s3://BUCKET/PREFIX";
}

impl FilesLocation {
    /// Reads a flag: what has a scheme is a URL, the rest is a folder.
    pub fn parse(flag: &Path) -> Result<Self, LocationError> {
        let Some(text) = flag.to_str().filter(|text| has_scheme(text)) else {
            return Ok(Self::Folder(flag.to_owned()));
        };
        bucket_url(text)
            .map(Self::Bucket)
            .map_err(|reason| LocationError {
                // Credentials are not repeated.
                text: match text.split_once('@') {
                    Some(_) => "the URL".to_owned(),
                    None => text.to_owned(),
                },
                reason,
            })
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn bucket_url(text: &str) -> Result<BucketUrl, &'static str> {
    let rest = text
        .strip_prefix(SCHEME)
        .ok_or("the only URLs are those of S3")?;
    if rest.contains('@') {
        return Err(
            "it has credentials, which belong in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        );
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let is_bucket = (3..=63).contains(&bucket.len())
        && bucket
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if !is_bucket {
        return Err("the name of a bucket has 3 to 63 letters, digits, dots and dashes");
    }
    let prefix = prefix.trim_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=' | '+');
    let is_segment = |segment: &str| {
        !segment.is_empty() && !matches!(segment, "." | "..") && segment.chars().all(is_plain)
    };
    if !prefix.is_empty() && !prefix.split('/').all(is_segment) {
        return Err("the prefix has letters, digits, `.-_=+` and single slashes");
    }
    Ok(BucketUrl {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FilesLocation, String> {
        FilesLocation::parse(Path::new(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn flag_names_a_folder_or_a_bucket() {
        for folder in ["imports", "/srv/files", "./s3", "C:\\x", "a/b://c"] {
            assert_eq!(parse(folder), Ok(FilesLocation::Folder(folder.into())));
        }
        for (text, bucket, prefix) in [
            ("s3://uploads", "uploads", ""),
            ("s3://uploads/", "uploads", ""),
            (
                "s3://my.uploads-1/ci/testplan/",
                "my.uploads-1",
                "ci/testplan",
            ),
        ] {
            let FilesLocation::Bucket(url) = parse(text).unwrap() else {
                panic!("{text} is a bucket");
            };
            assert_eq!((&*url.bucket, &*url.prefix), (bucket, prefix));
            assert_eq!(url.to_string(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn urls_without_a_usable_place_are_refused_with_the_reason() {
        for (text, reason) in [
            ("s3://", "3 to 63"),
            ("s3:///prefix", "3 to 63"),
            ("s3://ab", "3 to 63"),
            ("s3://up loads/x", "3 to 63"),
            ("s3://uploads/a//b", "single slashes"),
            ("s3://uploads/../b", "single slashes"),
            ("s3://uploads/a?b=c", "single slashes"),
            ("gs://uploads/a", "those of S3"),
            ("S3://uploads", "those of S3"),
            ("https://s3.example/uploads", "those of S3"),
            ("s3://key:canary@uploads", "credentials"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
