//! What an uploaded file is, by its content type and name.

use crate::service::request_parts::shortened;

/// What an uploaded file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A result file.
    Xml,
    /// A zipped results folder.
    Zip,
    /// Stored and not read.
    Other,
}

/// The content types that Test Center accepts, by file kind.
const XML: [&str; 2] = ["application/xml", "text/xml"];
const ZIP: [&str; 2] = ["application/zip", "application/x-zip-compressed"];
const OTHER: [&str; 3] = [
    "application/javascript",
    "application/x-javascript",
    "text/javascript",
];
/// A zip or a file of Coco: the name decides.
const EITHER: &str = "application/octet-stream";

impl FileKind {
    /// The kind of a file by its declared content type and name; the error is a sentence for the client.
    pub(super) fn of(declared: Option<&str>, name: &str) -> Result<Self, String> {
        let declared = declared.unwrap_or(EITHER);
        let ends_with = |extensions: &[&str]| {
            name.rsplit_once('.').is_some_and(|(_, end)| {
                extensions
                    .iter()
                    .any(|extension| end.eq_ignore_ascii_case(extension))
            })
        };
        if XML.contains(&declared) {
            return Ok(Self::Xml);
        }
        if ZIP.contains(&declared) || declared == EITHER && ends_with(&["zip"]) {
            return Ok(Self::Zip);
        }
        if OTHER.contains(&declared) || declared == EITHER && ends_with(&["csmes", "csexe"]) {
            return Ok(Self::Other);
        }
        Err(format!(
            "the file {:?} is declared as {declared}: expected {}, {}, {}, or {EITHER} for .zip, .csmes and .csexe",
            shortened(name),
            XML.join(", "),
            ZIP.join(", "),
            OTHER.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_content_types_of_the_vendor_are_accepted() {
        for (declared, name, content) in [
            ("application/xml", "results.xml", Some(FileKind::Xml)),
            ("text/xml", "x", Some(FileKind::Xml)),
            ("application/zip", "r.zip", Some(FileKind::Zip)),
            ("application/x-zip-compressed", "r", Some(FileKind::Zip)),
            ("application/octet-stream", "r.ZIP", Some(FileKind::Zip)),
            ("application/octet-stream", "a.csmes", Some(FileKind::Other)),
            ("application/octet-stream", "a.csexe", Some(FileKind::Other)),
            ("application/octet-stream", "a.exe", None),
            (
                "application/javascript",
                "results.js",
                Some(FileKind::Other),
            ),
            (
                "application/x-javascript",
                "results.js",
                Some(FileKind::Other),
            ),
            ("text/javascript", "results.js", Some(FileKind::Other)),
            ("image/png", "a.png", None),
            ("text/plain", "results.xml", None),
        ] {
            assert_eq!(
                FileKind::of(Some(declared), name).ok(),
                content,
                "{declared} {name}"
            );
        }
        assert_eq!(FileKind::of(None, "r.zip"), Ok(FileKind::Zip));
    }
}
