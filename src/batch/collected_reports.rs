//! Copies reports that a tool cannot write into the results folder of a call, or not with the names of its tests.

use std::{
    fs::{self, File, FileTimes},
    io,
    path::{Path, PathBuf},
};

use crate::{
    fs::write_atomic,
    preset::{Reports, report_text},
};

/// Deepest folder that is looked into.
const DEEPEST: usize = 2;
/// Extension of the file that stands beside a report once it is complete.
const MARK: &str = "done";
/// The mark of a whole run.
const RUN: &str = "run.done";

/// Moves the reports of a call, with the time when each was written. Those that cannot be moved are left where they are: their
/// tests have no result. Blocks on the file system.
pub(super) fn collect(place: Option<&Path>, reports: &Reports, results: &Path) {
    let place = place.unwrap_or(Path::new("."));
    let mut is_over = false;
    let mut is_complete = true;
    for folder in &reports.folders {
        let mut files = Vec::new();
        files_below(&place.join(folder), 0, &mut files);
        for path in &files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            is_over |= name == RUN;
            let is_xml = path.extension().is_some_and(|it| it == "xml");
            if !name.contains(&reports.tag) || !is_xml && reports.tag.is_empty() {
                continue;
            }
            if reports.has_marks && !path.with_extension(MARK).exists() {
                tracing::warn!("the report {name} is of a class that did not come to its end");
                is_complete = false;
                continue;
            }
            let moved = if is_xml {
                let number = fs::read_dir(results).into_iter().flatten().count();
                let name = format!("report-{number}.xml");
                copy(path, &results.join(name), &reports.tag)
            } else {
                Ok(())
            };
            if let Err(error) = moved.and_then(|()| fs::remove_file(path)) {
                tracing::warn!("the report {} cannot be moved: {error}", path.display());
            }
        }
    }
    // No report, and nothing that is missing: no class of the call exists.
    if is_over && is_complete {
        let none = results.join("report-none.xml");
        if let Err(error) = write_atomic(&none, b"<testsuites/>\n") {
            tracing::warn!("{error}");
        }
    }
}

fn files_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    // There is none if the tool ran nothing.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            Ok(kind) if kind.is_dir() && depth < DEEPEST => {
                files_below(&entry.path(), depth + 1, files);
            }
            _ => {}
        }
    }
}

fn copy(from: &Path, to: &Path, tag: &str) -> io::Result<()> {
    let written = fs::metadata(from)?.modified()?;
    let text = report_text(&fs::read_to_string(from)?, tag);
    write_atomic(to, text.as_bytes()).map_err(io::Error::other)?;
    let file = File::options().write(true).open(to)?;
    file.set_times(FileTimes::new().set_modified(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(folder: &Path) -> Vec<String> {
        let mut files = Vec::new();
        files_below(folder, 0, &mut files);
        let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
        texts.collect()
    }

    #[test]
    fn reports_of_the_call_are_moved_and_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let results = tempfile::tempdir().unwrap();
        let folder = place.path().join("core/target/surefire-reports");
        fs::create_dir_all(&folder).unwrap();
        for name in [
            "TEST-p.A-t1.xml",
            "p.A-t1.txt",
            "TEST-p.A-t2.xml",
            "TEST-p.A.xml",
        ] {
            write_atomic(&folder.join(name), b"<testcase classname=\"p.A(t1)\"/>").unwrap();
        }
        let reports = Reports {
            folders: vec!["core/target/surefire-reports".to_owned(), "gone".to_owned()],
            tag: "t1".to_owned(),
            has_marks: false,
        };
        collect(Some(place.path()), &reports, results.path());
        assert_eq!(texts(results.path()), ["<testcase classname=\"p.A\"/>"]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn report_without_a_mark_is_no_result() {
        let results = tempfile::tempdir().unwrap();
        let folder = results.path().join("gradle/-test");
        fs::create_dir_all(&folder).unwrap();
        let reports = Reports {
            folders: vec![results.path().join("gradle").display().to_string()],
            tag: String::new(),
            has_marks: true,
        };
        let found = || {
            collect(None, &reports, results.path());
            let files = fs::read_dir(results.path()).unwrap().flatten();
            let is_xml = |it: &fs::DirEntry| it.path().extension().is_some_and(|it| it == "xml");
            files.filter(is_xml).count()
        };
        write_atomic(&folder.join("TEST-p.A.xml"), b"<testsuite/>").unwrap();
        write_atomic(&folder.join(RUN), b"").unwrap();
        assert_eq!(found(), 0);
        write_atomic(&folder.join("TEST-p.A.done"), b"").unwrap();
        assert_eq!(found(), 2, "its report, and the mark of the run");
    }
}
