//! The `multipart/form-data` of an upload: everything around the files, and its exact length.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    file_kind::UploadFileKind,
    upload_body::{BodyPiece, UnclearOutcome, UploadBody},
};
use crate::{
    api::import::{BATCH, LABEL, PROJECT, RESULT},
    model::Label,
    random::unique_key,
    text::suffix,
};

/// What to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Project; empty for `default`.
    pub project: String,
    /// Batch; empty for a new one.
    pub batch: String,
    /// Labels of all results.
    pub labels: Vec<Label>,
    /// The files, at least one.
    pub files: Vec<UploadFile>,
    /// The key of an earlier upload that this one repeats: testplan's service recognises it. A new key otherwise.
    pub key: Option<String>,
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadFile {
    /// Where to read it.
    pub path: PathBuf,
    /// Its name in the upload; characters that a form cannot carry are replaced.
    pub name: String,
    /// Decides the content type of its part.
    pub kind: UploadFileKind,
}

/// The form of an upload; yields a body for each try.
#[derive(Clone, Debug)]
pub struct UploadForm {
    boundary: String,
    pieces: Vec<BodyPiece>,
    outcome: UnclearOutcome,
    files: u64,
    file_bytes: u64,
}

/// Longest name of a file in a form, in bytes: what the narrowest file systems take, and some.
const LONGEST_NAME: usize = 200;

impl UploadForm {
    /// Reads the lengths of the files and writes everything around them. The error is a sentence.
    pub(super) fn new(import: &Import, outcome: UnclearOutcome) -> Result<Self, String> {
        if import.files.is_empty() {
            return Err("there is no file to upload".to_owned());
        }
        for (what, text) in [("project", &import.project), ("batch", &import.batch)] {
            if text.contains(char::is_control) {
                return Err(format!("the {what} {text:?} is not one line"));
            }
        }
        // Random, so that no file contains it by chance or by intent.
        let boundary = format!("testplan-{}", unique_key());
        let mut form = Self {
            boundary,
            pieces: Vec::new(),
            outcome,
            files: 0,
            file_bytes: 0,
        };
        let mut head = String::new();
        form.text(&mut head, PROJECT, &import.project);
        form.text(&mut head, BATCH, &import.batch);
        for label in &import.labels {
            form.text(&mut head, LABEL, &label.to_string());
        }
        let mut names = HashSet::new();
        for file in &import.files {
            let name = unique(&clean(&file.name), &mut names);
            form.file(&mut head, &name, file)?;
        }
        head.extend(["--", &form.boundary, "--\r\n"]);
        form.pieces.push(BodyPiece::Bytes(head.into()));
        Ok(form)
    }

    fn text(&self, head: &mut String, name: &str, value: &str) {
        let boundary = &self.boundary;
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        head.push_str(&part);
    }

    fn file(&mut self, head: &mut String, name: &str, file: &UploadFile) -> Result<(), String> {
        let length = length(&file.path)?;
        let (boundary, content_type) = (&self.boundary, file.kind.content_type());
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{RESULT}\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        head.push_str(&part);
        self.pieces
            .push(BodyPiece::Bytes(Bytes::from(std::mem::take(head))));
        self.pieces.push(BodyPiece::File {
            path: file.path.clone(),
            length,
        });
        head.push_str("\r\n");
        self.files += 1;
        self.file_bytes += length;
        Ok(())
    }

    /// A body for one try.
    pub fn body(&self) -> UploadBody {
        let pieces = self.pieces.iter().cloned().collect();
        UploadBody::new(pieces, self.outcome.clone())
    }

    pub(super) fn outcome(&self) -> &UnclearOutcome {
        &self.outcome
    }

    /// Bytes of the body.
    pub fn length(&self) -> u64 {
        self.pieces.iter().map(BodyPiece::length).sum()
    }

    /// The content type of the request.
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub(super) fn files(&self) -> u64 {
        self.files
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }
}

fn length(path: &Path) -> Result<u64, String> {
    let shown = path.display();
    let found = std::fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    if !found.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    Ok(found.len())
}

/// A name that needs no escaping in a header, which readers do differently, and no folder: the end of a long one stays,
/// because it says what the file is.
fn clean(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '/' | ':' | '*' | '?' | '<' | '>' | '|' | ';' | '%' => '-',
            c if c.is_control() => '-',
            c => c,
        })
        .collect();
    let name = name.trim_matches(['.', ' ']);
    match suffix(name, LONGEST_NAME) {
        "" => "result".to_owned(),
        name => name.to_owned(),
    }
}

/// The name, with a number where another file of the form has it.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let numbered = (2..).map(|number: u32| format!("{stem}-{number}{extension}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|candidate| taken.insert(candidate.to_lowercase()))
        .expect("numbers do not end before the files do")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_travel_without_escapes() {
        for (name, cleaned) in [
            ("results.xml", "results.xml"),
            ("a\"b\\c;d.xml", "a-b-c-d.xml"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("Prüfung\r\nX.xml", "Prüfung--X.xml"),
            ("..", "result"),
        ] {
            assert_eq!(clean(name), cleaned);
        }
        let long = clean(&format!("{}.xml", "ä".repeat(300)));
        assert!(long.len() <= LONGEST_NAME && long.ends_with("ä.xml"));
    }

    #[test]
    fn no_two_files_have_one_name() {
        let mut taken = HashSet::new();
        let names = ["a.xml", "A.xml", "a.xml", "b", "b"].map(|name| unique(name, &mut taken));
        assert_eq!(names, ["a.xml", "A-2.xml", "a-3.xml", "b", "b-2"]);
    }
}
