//! What an error of S3 means, and what to do about it.

use std::{error::Error as _, fmt};

use object_store::client::{HttpError, HttpErrorKind};

/// Longest reason in a message, in characters.
const MAX_REASON: usize = 300;
/// The address of the service that gives credentials to virtual machines.
const METADATA_ADDRESS: &str = "169.254.169.254";

/// What is wrong with a bucket, or the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketFaultKind {
    /// Nothing answers.
    Unreachable,
    /// The settings cannot be used.
    Settings,
    /// There are no credentials.
    NoCredentials,
    /// The credentials are wrong or have expired.
    WrongCredentials,
    /// The credentials lack a right.
    Denied,
    /// There is no such bucket.
    NoBucket,
    /// The bucket is in another region.
    Region,
    /// There is no room.
    Full,
    /// The files of an upload were removed while it was in progress.
    Removed,
    /// Anything else.
    Failed,
}

impl BucketFaultKind {
    /// One thing to do.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "check the network and AWS_ENDPOINT_URL",
            Self::Settings => "correct the variables that begin with AWS_",
            Self::NoCredentials => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; profiles in ~/.aws are not read"
            }
            Self::WrongCredentials => {
                "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
            }
            Self::Denied => {
                "allow s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket"
            }
            Self::NoBucket => "create the bucket, or name another one",
            Self::Region => "set AWS_REGION to the region of the bucket",
            Self::Full => "free some space there, or raise the quota",
            Self::Removed => "send the upload again",
            Self::Failed => "look into the log of the S3 server",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::Settings => "cannot be used with these settings",
            Self::NoCredentials => "cannot be used without credentials",
            Self::WrongCredentials => "refuses the credentials",
            Self::Denied => "denies access",
            Self::NoBucket => "does not exist",
            Self::Region => "is in another region",
            Self::Full => "has no room",
            Self::Removed => "lost the files of this upload",
            Self::Failed => "does not work",
        }
    }
}

/// A fault of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketFault {
    /// What is wrong.
    pub kind: BucketFaultKind,
    /// The URL of the bucket and the prefix.
    pub(super) place: String,
    /// What the server or the network says.
    pub(super) reason: String,
}

impl fmt::Display for BucketFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            place,
            reason,
        } = self;
        write!(f, "{place} {}: {reason}", kind.words())
    }
}

impl BucketFault {
    /// What an error of the client means.
    pub(super) fn of(error: &object_store::Error, place: &str) -> Self {
        let text = error.to_string();
        let network = network_error(error);
        let kind = kind(&text, network.map(HttpError::kind));
        let reason = network.map_or_else(|| said(&text), innermost);
        Self {
            kind,
            place: place.to_owned(),
            reason: shortened(&reason),
        }
    }
}

/// The error of the network that it comes from.
fn network_error(error: &object_store::Error) -> Option<&HttpError> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<HttpError>() {
            return Some(found);
        }
        source = error.source();
    }
    None
}

fn innermost(error: &HttpError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

/// The kind, by the code of S3 in an answer, by its status, or by the fault of the network.
fn kind(text: &str, network: Option<HttpErrorKind>) -> BucketFaultKind {
    use BucketFaultKind as Kind;

    if text.contains(METADATA_ADDRESS) {
        return Kind::NoCredentials;
    }
    if let Some(network) = network {
        return match network {
            HttpErrorKind::Decode | HttpErrorKind::Unknown => Kind::Failed,
            _ => Kind::Unreachable,
        };
    }
    match element(text, "Code").unwrap_or_default() {
        "NoSuchBucket" => return Kind::NoBucket,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "NotSignedUp" => return Kind::WrongCredentials,
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            return Kind::Region;
        }
        "QuotaExceeded" | "XMinioStorageFull" | "InsufficientCapacity" => return Kind::Full,
        "NoSuchUpload" => return Kind::Removed,
        _ => {}
    }
    let has_status = |status: &str| text.contains(&format!("status code: {status}"));
    match () {
        () if text.contains("redirect without LOCATION") || has_status("301") => Kind::Region,
        () if has_status("401") => Kind::WrongCredentials,
        () if has_status("403") => Kind::Denied,
        () if has_status("507") => Kind::Full,
        () => Kind::Failed,
    }
}

/// What a server said, without the URL and the XML around it.
fn said(text: &str) -> String {
    match (element(text, "Code"), element(text, "Message")) {
        (Some(code), Some(message)) => format!("{message} ({code})"),
        (Some(code), None) => code.to_owned(),
        _ => match text.split_once("status code: ") {
            Some((_, status)) => format!(
                "it answers with status {}",
                status.trim_end_matches([':', ' '])
            ),
            None => text.to_owned(),
        },
    }
}

/// The text of the first element with this name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once('<')?;
    (!inside.trim().is_empty()).then(|| inside.trim())
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use BucketFaultKind as Kind;

    use super::*;

    fn answer(status: &str, code: &str) -> String {
        format!(
            "Error performing PUT http://h/b/k in 1ms - Server returned non-2xx status code: {status}: \
             <?xml?><Error><Code>{code}</Code><Message>Words\nof it.</Message></Error>"
        )
    }

    #[test]
    fn answers_of_s3_have_a_kind_and_a_reason() {
        for (status, code, expected) in [
            ("404 Not Found", "NoSuchBucket", Kind::NoBucket),
            (
                "403 Forbidden",
                "InvalidAccessKeyId",
                Kind::WrongCredentials,
            ),
            (
                "403 Forbidden",
                "SignatureDoesNotMatch",
                Kind::WrongCredentials,
            ),
            ("400 Bad Request", "ExpiredToken", Kind::WrongCredentials),
            ("403 Forbidden", "AccessDenied", Kind::Denied),
            ("301 Moved Permanently", "PermanentRedirect", Kind::Region),
            ("507 Insufficient Storage", "XMinioStorageFull", Kind::Full),
            ("404 Not Found", "NoSuchUpload", Kind::Removed),
            ("503 Service Unavailable", "SlowDown", Kind::Failed),
        ] {
            let text = answer(status, code);
            assert_eq!(kind(&text, None), expected, "{code}");
            assert_eq!(shortened(&said(&text)), format!("Words of it. ({code})"));
        }
        let bare = "Server returned non-2xx status code: 403 Forbidden: ";
        assert_eq!(kind(bare, None), Kind::Denied);
        assert_eq!(said(bare), "it answers with status 403 Forbidden");
    }

    #[test]
    fn faults_of_the_network_and_missing_credentials_are_told_apart() {
        assert_eq!(kind("", Some(HttpErrorKind::Connect)), Kind::Unreachable);
        assert_eq!(kind("", Some(HttpErrorKind::Timeout)), Kind::Unreachable);
        assert_eq!(kind("", Some(HttpErrorKind::Decode)), Kind::Failed);
        let metadata = "Error performing PUT http://169.254.169.254/latest/api/token in 1s";
        let connect = Some(HttpErrorKind::Connect);
        assert_eq!(kind(metadata, connect), Kind::NoCredentials);
    }

    #[test]
    fn reason_is_one_line_of_bounded_length() {
        assert_eq!(shortened("a\n  b"), "a b");
        assert!(shortened(&"x ".repeat(999)).chars().count() <= MAX_REASON + 1);
    }
}
