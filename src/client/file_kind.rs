//! The kinds of files that Test Center imports, and their content types.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The kinds of files that Test Center imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFileKind {
    /// Squish XML, JUnit or another xUnit.
    Xml,
    /// A zipped results folder.
    Zip,
    /// The results of an HTML report.
    JavaScript,
    /// Coco's instrumentation database or execution report.
    Coverage,
}

/// Why a file is not uploaded.
#[derive(Debug, thiserror::Error)]
pub enum UnknownKind {
    /// It is nothing that Test Center imports.
    #[error(
        "{} is of no kind that Test Center imports: it takes Squish XML, JUnit and other xUnit (.xml), a zipped results \
         folder (.zip), the results of an HTML report (.js), and Coco's .csmes and .csexe",
        .0.display()
    )]
    Unknown(PathBuf),
    /// Its name says one thing and its first bytes another.
    #[error("{} is called .{extension} but does not begin like one: is it complete?", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What its name says.
        extension: &'static str,
    },
    /// It cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// The first bytes of a zip with entries, of an empty one, and of one in several parts.
const ZIP: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"];

impl UploadFileKind {
    /// What a file is, by the end of its name and its first bytes.
    pub fn of(path: &Path) -> Result<Self, UnknownKind> {
        let start = beginning(path).map_err(|cause| UnknownKind::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        let contradiction = |extension| UnknownKind::Contradiction {
            path: path.to_owned(),
            extension,
        };
        let is_zip = ZIP.iter().any(|magic| start.starts_with(magic));
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("xml") if is_xml(&start) => Ok(Self::Xml),
            Some("xml") => Err(contradiction("xml")),
            Some("zip") if is_zip => Ok(Self::Zip),
            Some("zip") => Err(contradiction("zip")),
            Some("js") => Ok(Self::JavaScript),
            Some("csmes" | "csexe") => Ok(Self::Coverage),
            // A tool may call its results anything.
            _ if is_zip => Ok(Self::Zip),
            _ if start_of_text(&start).starts_with(b"<?xml") => Ok(Self::Xml),
            _ => Err(UnknownKind::Unknown(path.to_owned())),
        }
    }

    /// The content type of its part.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Zip => "application/zip",
            Self::JavaScript => "application/javascript",
            Self::Coverage => "application/octet-stream",
        }
    }
}

impl fmt::Display for UploadFileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.content_type())
    }
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(256).read_to_end(&mut start)?;
    Ok(start)
}

fn start_of_text(start: &[u8]) -> &[u8] {
    start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start()
}

/// UTF-16 counts as XML here; the reader refuses it with a better message.
fn is_xml(start: &[u8]) -> bool {
    start_of_text(start).starts_with(b"<")
        || start.starts_with(b"\xff\xfe")
        || start.starts_with(b"\xfe\xff")
}
