//! Finds the result files of an execution and reads them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use globset::{GlobBuilder, GlobMatcher};

use super::{
    attachments::Attachments,
    runner_settings::ResultsFormat,
    stream_results::{self, StreamedResults},
};
use crate::{
    model::{CaseCounts, CaseResult},
    result_file::{self, CaseCollector, Scenarios},
};

/// Deepest folder that is searched.
const MAX_DEPTH: usize = 32;
/// Most files and folders that are read.
const MAX_ENTRIES: usize = 100_000;

/// The result files of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Results {
    /// The exit code alone decides.
    NotAsked,
    /// Every file was read.
    Read(Vec<CaseResult>),
    /// There is no result file, and there must be one.
    Missing(String),
    /// At least one could not be read.
    Unreadable {
        /// Which, and why.
        message: String,
        /// The cases of those that could.
        cases: Vec<CaseResult>,
    },
}

/// Results, and the number of cases that were not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultsFound {
    /// The results.
    pub results: Results,
    /// How many cases the files have beside those that were kept.
    pub not_kept: CaseCounts,
}

impl From<Results> for ResultsFound {
    fn from(results: Results) -> Self {
        Self {
            results,
            not_kept: CaseCounts::default(),
        }
    }
}

impl Results {
    /// The cases that were read, whatever else is wrong.
    pub fn cases(&self) -> &[CaseResult] {
        match self {
            Self::Read(cases) | Self::Unreadable { cases, .. } => cases,
            Self::NotAsked | Self::Missing(_) => &[],
        }
    }

    pub(super) fn into_cases(self) -> Vec<CaseResult> {
        match self {
            Self::Read(cases) | Self::Unreadable { cases, .. } => cases,
            Self::NotAsked | Self::Missing(_) => Vec::new(),
        }
    }
}

/// Why files could not be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The pattern is invalid.
    #[error("{pattern:?} is not a pattern for files: {why}")]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A folder could not be listed.
    #[error("{} cannot be listed: {why}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// The system's words.
        why: String,
    },
    /// There are too many files and folders.
    #[error("{} holds more than {MAX_ENTRIES} files and folders", .0.display())]
    TooMany(PathBuf),
}

/// The cases of those files that were written before a time, and those of an event stream: its lines were written as the
/// tests ended. Files that cannot be read are left out.
pub fn gather_before(format: &ResultsFormat, dir: &Path, time: SystemTime) -> Vec<CaseResult> {
    let files = match format {
        ResultsFormat::JUnit { files, .. } => files,
        ResultsFormat::Events => return stream_results::proved(dir),
        ResultsFormat::Squish { .. } | ResultsFormat::ExitCode => return Vec::new(),
    };
    let mut kept = CaseCollector::default();
    let mut attachments = Attachments::new(dir);
    for path in collect(dir, files).unwrap_or_default() {
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
        if written.is_ok_and(|written| written < time)
            && let Ok(file) = result_file::read_path(&path, Scenarios::default())
        {
            kept.add_file(file, |case| attachments.settle(case, &path));
        }
    }
    kept.into_file().cases
}

/// The tests that were running when the process ended, as the command calls them, if an event stream shows them.
pub(crate) fn running_at_the_end(format: &ResultsFormat, dir: &Path) -> Vec<String> {
    match format {
        ResultsFormat::Events => stream_results::suspects(dir),
        ResultsFormat::JUnit { .. } | ResultsFormat::Squish { .. } | ResultsFormat::ExitCode => {
            Vec::new()
        }
    }
}

/// The last test that ended before the process did, as presets call it, if an event stream shows it.
pub fn last_ended(format: &ResultsFormat, dir: &Path) -> Option<String> {
    match format {
        ResultsFormat::Events => stream_results::last_ended(dir),
        ResultsFormat::JUnit { .. } | ResultsFormat::Squish { .. } | ResultsFormat::ExitCode => {
            None
        }
    }
}

/// Finds and reads result files, each as what it is. Blocks on the file system.
pub fn gather(format: &ResultsFormat, dir: &Path) -> ResultsFound {
    let (files, scenarios) = match format {
        ResultsFormat::JUnit { files, .. } => (files, Scenarios::default()),
        ResultsFormat::Squish { files, scenarios } => (files, *scenarios),
        ResultsFormat::Events => return gather_stream(dir),
        ResultsFormat::ExitCode => return Results::NotAsked.into(),
    };
    let unreadable = |message, cases| Results::Unreadable { message, cases };
    let paths = match collect(dir, files) {
        Ok(paths) => paths,
        Err(error) => return unreadable(error.to_string(), Vec::new()).into(),
    };
    if paths.is_empty() {
        return Results::Missing(format!(
            "no result file matched {files} in {}",
            dir.display()
        ))
        .into();
    }
    let mut kept = CaseCollector::default();
    let mut broken = Vec::new();
    let mut attachments = Attachments::new(dir);
    for path in &paths {
        match result_file::read_path(path, scenarios) {
            Ok(file) => kept.add_file(file, |case| attachments.settle(case, path)),
            Err(error) => broken.push(error.to_string()),
        }
    }
    let file = kept.into_file();
    let not_kept = file.not_kept();
    let cases = file.cases;
    let results = match broken.as_slice() {
        [] => Results::Read(cases),
        [only] => unreadable(only.clone(), cases),
        [first, rest @ ..] => unreadable(format!("{first} (and {} more)", rest.len()), cases),
    };
    ResultsFound { results, not_kept }
}

fn gather_stream(dir: &Path) -> ResultsFound {
    let unreadable = |message, cases| Results::Unreadable { message, cases };
    match stream_results::gather(dir) {
        Ok(Some(StreamedResults {
            cases,
            not_kept,
            disorder,
        })) => ResultsFound {
            results: match disorder {
                None => Results::Read(cases),
                Some(message) => unreadable(message, cases),
            },
            not_kept,
        },
        Ok(None) => {
            let why =
                "the tool wrote no event stream: it ended before it loaded testplan's reporter";
            Results::Missing(why.to_owned()).into()
        }
        Err(message) => unreadable(message, Vec::new()).into(),
    }
}

/// The files under `dir` whose path from there matches the pattern, sorted. `*` stays within a folder, `**` does not.
/// Symbolic links are not followed: a test could otherwise show files of the machine in its report.
pub fn collect(dir: &Path, pattern: &str) -> Result<Vec<PathBuf>, CollectError> {
    let matcher = matcher(pattern)?;
    let mut found = Vec::new();
    let mut entries = 0;
    let mut folders = vec![(dir.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let listing_failed = |error: std::io::Error| CollectError::Folder {
            folder: folder.clone(),
            why: error.to_string(),
        };
        for entry in fs::read_dir(&folder).map_err(listing_failed)? {
            let entry = entry.map_err(listing_failed)?;
            entries += 1;
            if entries > MAX_ENTRIES {
                return Err(CollectError::TooMany(dir.to_owned()));
            }
            let path = entry.path();
            let kind = entry.file_type().map_err(listing_failed)?;
            if kind.is_dir() && depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            } else if kind.is_file()
                && path
                    .strip_prefix(dir)
                    .is_ok_and(|relative| matcher.is_match(relative))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a text is a pattern that [`collect`] takes.
pub fn check_pattern(pattern: &str) -> Result<(), CollectError> {
    matcher(pattern).map(drop)
}

fn matcher(pattern: &str) -> Result<GlobMatcher, CollectError> {
    GlobBuilder::new(pattern.strip_prefix("./").unwrap_or(pattern))
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| CollectError::Pattern {
            pattern: pattern.to_owned(),
            why: error.kind().to_string(),
        })
}
