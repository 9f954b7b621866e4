//! Files beside a report: screenshots, logs and other files that a test wrote into its results folder, and the videos that
//! squishrunner leaves in the test case's own folder.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{squish_settings::SquishSettings, squish_suite};
use crate::{
    model::{CaseResult, Test, Timestamp},
    runner::results,
};

/// Where squishrunner puts videos and other attachments: in the test case's folder, because it gets no result directory.
const OWN: &str = "attachments";
/// Most bytes that are copied from there.
const MOST_COPIED: u64 = 1024 * 1024 * 1024;
/// How much older a file may look than it is: some file systems keep times to two seconds.
const COARSE: Duration = Duration::from_secs(2);

/// Most files that are attached to a case beside those that its report names.
const MOST: usize = 200;
/// Most files that a message names.
const SHOWN: usize = 8;

/// The `attachments` folder of a test case, and since when files in it are of this execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnAttachments {
    folder: PathBuf,
    since: SystemTime,
}

impl OwnAttachments {
    /// For a test that squishrunner starts now, in `folder`. `None` if its suite is not found.
    pub(crate) fn of(
        squish: &SquishSettings,
        folder: &Path,
        test: &Test,
        now: Timestamp,
    ) -> Option<Self> {
        let suite = squish_suite::locate(folder, &squish.suites, test).ok()?;
        let since = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).ok()?);
        Some(Self {
            folder: suite.join(&test.testcase).join(OWN),
            since: since.checked_sub(COARSE)?,
        })
    }

    /// Copies what is new in it into the results folder, where a report's names for it lead too. What cannot be copied stays
    /// where it is. Blocks on the file system.
    pub(crate) fn fetch(&self, dir: &Path) {
        let found = results::collect(&self.folder, "**").unwrap_or_default();
        let mut left = MOST_COPIED;
        let new = found.iter().filter_map(|from| {
            let facts = fs::metadata(from).ok()?;
            let to = dir.join(OWN).join(from.strip_prefix(&self.folder).ok()?);
            let is_new = facts.modified().is_ok_and(|at| at >= self.since) && !to.exists();
            is_new.then_some((from, to, facts.len()))
        });
        for (from, to, size) in new.take(MOST) {
            let Some(rest) = left.checked_sub(size) else {
                tracing::warn!(file = %from.display(), "too large to be kept with the results");
                continue;
            };
            left = rest;
            let made = to.parent().map_or(Ok(()), fs::create_dir_all);
            if let Err(error) = made.and_then(|()| fs::copy(from, &to)) {
                tracing::warn!(file = %from.display(), %error, "not copied to the results");
            }
        }
    }
}

/// Attaches the files that belong to no case yet: to the first case that did not pass, else to the first of all. Without
/// a case they stay where they are. Blocks on the file system.
pub(crate) fn attach(squish: &SquishSettings, dir: &Path, cases: &mut [CaseResult]) {
    let mut files = files(squish, dir);
    let named: Vec<&String> = cases.iter().flat_map(|case| &case.attachments).collect();
    files.retain(|file| !named.contains(&file));
    let failed = cases.iter().position(|case| case.verdict.is_failure());
    let at = failed.unwrap_or(0);
    if let Some(case) = cases.get_mut(at) {
        case.attachments.append(&mut files);
    }
}

/// The names of the files, for the message about a missing report; empty if there are none.
pub(crate) fn names(squish: &SquishSettings, dir: &Path) -> String {
    let mut names = files(squish, dir);
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("; kept there: {}", names.join(", ")),
        (false, more) => format!("; kept there: {} and {more} more", names.join(", ")),
    }
}

/// The files beside the report, relative to the results folder, with `/`.
fn files(squish: &SquishSettings, dir: &Path) -> Vec<String> {
    let found = results::collect(dir, "**").unwrap_or_default();
    let relative = found.iter().filter_map(|path| {
        let parts = path.strip_prefix(dir).ok()?.iter();
        let parts: Option<Vec<&str>> = parts.map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    });
    relative
        .filter(|file| file != squish.report.file() && !file.contains(char::is_control))
        .take(MOST)
        .collect()
}
