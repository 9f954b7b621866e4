//! Packs a results folder for an upload: result files alone are sent as they are, anything more as one zip.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::client::{UploadFile, UploadFileKind};

/// Deepest folder that is packed.
const MAX_DEPTH: usize = 32;
/// Most files that are packed.
const MAX_FILES: usize = 20_000;
/// More result files than this are zipped as well.
const MAX_PARTS: usize = 16;
/// Extensions of files that are compressed already, and stored in the zip as they are.
const COMPRESSED: [&str; 12] = [
    "png", "jpg", "jpeg", "gif", "webp", "mp4", "mkv", "webm", "zip", "gz", "xz", "zst",
];

/// Files to upload. Dropping it removes a zip that was made for it.
#[derive(Debug)]
pub(crate) struct Packed {
    pub files: Vec<UploadFile>,
    _temporary: Option<Temporary>,
}

/// Why a folder could not be packed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    /// The system could not read or write a file.
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    /// Too many files, or folders too deep.
    #[error("{} holds more than {MAX_FILES} files, or folders deeper than {MAX_DEPTH}", .0.display())]
    TooMuch(PathBuf),
    #[error("{} could not be zipped: {cause}", folder.display())]
    Zip {
        folder: PathBuf,
        cause: zip::result::ZipError,
    },
    #[error("packing was interrupted: {0}")]
    Interrupted(String),
}

impl PackError {
    pub(super) fn interrupted(error: &tokio::task::JoinError) -> Self {
        Self::Interrupted(error.to_string())
    }
}

/// A file that is removed with this value.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, file = %self.0.display(), "a temporary zip could not be removed");
        }
    }
}

impl Packed {
    /// Files that are sent as they are.
    pub(crate) fn files(files: Vec<UploadFile>) -> Self {
        Self {
            files,
            _temporary: None,
        }
    }
}

/// Packs a folder; `None` if no file is in it. Blocks on the file system.
pub(crate) fn folder(folder: &Path) -> Result<Option<Packed>, PackError> {
    let paths = walk(folder)?;
    if paths.is_empty() {
        return Ok(None);
    }
    let results = || {
        let files = paths.iter().map(|path| {
            let kind = UploadFileKind::of(path)
                .ok()
                .filter(|kind| *kind != UploadFileKind::Zip)?;
            Some(UploadFile {
                path: path.clone(),
                name: slashed(folder, path).replace('/', "-"),
                kind,
            })
        });
        files.collect::<Option<Vec<_>>>()
    };
    if paths.len() <= MAX_PARTS
        && let Some(files) = results()
    {
        return Ok(Some(Packed::files(files)));
    }
    zipped(folder, &paths).map(Some)
}

/// Whether there is anything to pack. `true` for a folder that cannot be read: packing it then fails with the reason.
pub(crate) fn has_files(folder: &Path) -> bool {
    !matches!(walk(folder), Ok(paths) if paths.is_empty())
}

/// Every file below the folder, sorted. Links are not followed: a test could otherwise upload files of the machine.
fn walk(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((at, depth)) = folders.pop() {
        let failed = |cause| PackError::Io {
            path: at.clone(),
            cause,
        };
        let entries = match fs::read_dir(&at) {
            // A test may remove its results folder.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && depth == 0 => break,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() {
                found.push(entry.path());
            }
            if found.len() > MAX_FILES || depth > MAX_DEPTH || folders.len() > MAX_FILES {
                return Err(PackError::TooMuch(folder.to_owned()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The path from the folder on, with slashes on every system.
fn slashed(folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<String> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}

/// Writes a zip beside the folder. The same files make the same bytes, so that the service recognises a repeated upload.
fn zipped(folder: &Path, paths: &[PathBuf]) -> Result<Packed, PackError> {
    let name = folder
        .file_name()
        .map_or_else(|| "results".into(), |name| name.to_string_lossy());
    let mut random = [0; 8];
    let io = |path: &Path| {
        let path = path.to_owned();
        move |cause| PackError::Io { path, cause }
    };
    getrandom::fill(&mut random)
        .map_err(io::Error::from)
        .map_err(io(folder))?;
    let beside = format!(".testplan-{:016x}.zip", u64::from_ne_bytes(random));
    let path = folder.with_file_name(beside);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(io(&path))?;
    let temporary = Temporary(path.clone());
    let failed = |cause| PackError::Zip {
        folder: folder.to_owned(),
        cause,
    };
    let mut zip = ZipWriter::new(io::BufWriter::with_capacity(128 * 1024, file));
    for path in paths {
        let mut source = File::open(path).map_err(io(path))?;
        let length = source.metadata().map_err(io(path))?.len();
        zip.start_file(slashed(folder, path), options(path, length))
            .map_err(failed)?;
        io::copy(&mut source, &mut zip).map_err(io(path))?;
    }
    let written = zip.finish().map_err(failed)?;
    written
        .into_inner()
        .map_err(|error| io(&path)(error.into_error()))?;
    Ok(Packed {
        files: vec![UploadFile {
            path,
            name: format!("{name}.zip"),
            kind: UploadFileKind::Zip,
        }],
        _temporary: Some(temporary),
    })
}

fn options(path: &Path, length: u64) -> SimpleFileOptions {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let is_compressed = COMPRESSED
        .iter()
        .any(|compressed| extension.eq_ignore_ascii_case(compressed));
    SimpleFileOptions::default()
        .compression_method(if is_compressed {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        })
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        // The file may grow a little while it is packed.
        .large_file(length >= u64::from(u32::MAX) - 64 * 1024 * 1024)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const JUNIT: &str = "<testsuites/>";

    fn put(folder: &Path, name: &str, content: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::fs::write_atomic(&path, content).unwrap();
    }

    fn results() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let results = place.path().join("7-1-1-suite");
        fs::create_dir_all(&results).unwrap();
        (place, results)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn result_files_alone_are_sent_as_they_are() {
        let (place, results) = results();
        assert!(folder(&results).unwrap().is_none());
        assert!(!has_files(&results) && !has_files(&results.join("gone")));
        put(&results, "a/results.xml", JUNIT.as_bytes());
        put(&results, "results.xml", JUNIT.as_bytes());
        assert!(has_files(&results));
        let packed = folder(&results).unwrap().unwrap();
        let sent: Vec<_> = packed
            .files
            .iter()
            .map(|file| (file.name.as_str(), file.kind))
            .collect();
        assert_eq!(
            sent,
            [
                ("a-results.xml", UploadFileKind::Xml),
                ("results.xml", UploadFileKind::Xml)
            ]
        );
        assert!(
            packed
                .files
                .iter()
                .all(|file| file.path.starts_with(&results))
        );
        assert_eq!(names(place.path()), ["7-1-1-suite"]);
    }

    #[test]
    fn attachments_make_a_zip_that_is_removed_after_use() {
        let (place, results) = results();
        put(&results, "results.xml", JUNIT.as_bytes());
        put(&results, "shots/Fehler 1.png", &[7; 5_000]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", results.join("link.xml")).unwrap();
        let packed = folder(&results).unwrap().unwrap();
        let [file] = &packed.files[..] else {
            panic!("{packed:?}");
        };
        assert_eq!(
            (file.name.as_str(), file.kind),
            ("7-1-1-suite.zip", UploadFileKind::Zip)
        );
        assert_eq!(UploadFileKind::of(&file.path).unwrap(), UploadFileKind::Zip);
        let mut zip = zip::ZipArchive::new(File::open(&file.path).unwrap()).unwrap();
        let inside: Vec<String> = zip
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        assert_eq!(inside, ["results.xml", "shots/Fehler 1.png"]);
        let mut content = Vec::new();
        zip.by_index(1).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, [7; 5_000]);
        let bytes = fs::read(&file.path).unwrap();
        let again = folder(&results).unwrap().unwrap();
        assert_eq!(fs::read(&again.files[0].path).unwrap(), bytes);
        drop((packed, again));
        assert_eq!(names(place.path()), ["7-1-1-suite"]);
    }
}
