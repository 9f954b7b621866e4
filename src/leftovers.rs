//! Removes files of earlier runs from the `--out` folder: their result files could be taken for those of a run that ends
//! early, and records of finished plans would pile up.
//!
//! Removes only files that testplan wrote: result files with our header, and the files that readable records name.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _},
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    clock,
    failure::Failure,
    model::{
        PlanId, Timestamp,
        record::{Record, RecordEvent},
    },
};

/// Result files with the headers of ours.
const RESULTS: [(&str, &[&str]); 3] = [
    (
        "junit.xml",
        &["<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name="],
    ),
    (
        "report.html",
        &[
            "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>",
        ],
    ),
    ("summary.md", &["### ✅", "### ❌", "### ⚠️"]),
];
/// Longer than every header, in bytes.
const BEGINNING: u64 = 256;
/// Workers whose records are older than this were killed.
const STALE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Removes the result files of an earlier run.
pub(crate) fn remove_results(out: &Path) -> Result<(), Failure> {
    for (name, beginnings) in RESULTS {
        let path = out.join(name);
        if begins_with(&path, beginnings) {
            fs::remove_file(&path).map_err(|error| {
                Failure::infrastructure_text(format_args!(
                    "{} of an earlier run cannot be removed: {error}",
                    path.display()
                ))
                .help("remove it, or name another folder with --out")
            })?;
        }
    }
    Ok(())
}

fn begins_with(path: &Path, beginnings: &[&str]) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut bytes));
    read.is_ok() && beginnings.iter().any(|it| bytes.starts_with(it.as_bytes()))
}

/// Which plans count as finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinishedPlans {
    /// Plans whose workers have all left, and stale ones.
    Left,
    /// Plans without a new record for a week: a report of the others may follow.
    Stale,
}

/// Removes records, logs and result folders of finished plans other than `keep`, except what uploads still need. A failure to
/// remove is ignored.
pub(crate) fn remove_finished_plans(out: &Path, keep: PlanId, finished: FinishedPlans) {
    let Ok(folder) = fs::read_dir(out.join("records")) else {
        return;
    };
    let paths = folder.filter_map(|entry| Some(entry.ok()?.path()));
    let files: Vec<LeftoverRecords> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "ndjson"))
        .filter_map(|path| LeftoverRecords::read(path).ok().flatten())
        .collect();
    // An active worker keeps the files of its plan.
    let active: BTreeSet<PlanId> = files
        .iter()
        .filter(|file| !file.is_finished(finished))
        .map(|file| file.plan)
        .collect();
    let uploaded: BTreeSet<&String> = files.iter().flat_map(|file| &file.uploaded).collect();
    let waits = |file: &LeftoverRecords| file.to_upload.iter().any(|it| !uploaded.contains(it));
    for file in &files {
        if file.plan != keep && !active.contains(&file.plan) && !waits(file) {
            file.remove(out);
        }
    }
}

/// The facts of one record file.
struct LeftoverRecords {
    path: PathBuf,
    plan: PlanId,
    /// Logs and result folders, relative to the `--out` folder.
    logs: Vec<String>,
    results: Vec<String>,
    /// Result folders that were to be uploaded, and those that were.
    to_upload: BTreeSet<String>,
    uploaded: BTreeSet<String>,
    has_left: bool,
    is_stale: bool,
}

impl LeftoverRecords {
    /// `None` if testplan did not write it, or if it has several plans. The last line may be torn.
    fn read(path: PathBuf) -> io::Result<Option<Self>> {
        let file = File::open(&path)?;
        let modified = file.metadata()?.modified()?;
        let written = modified.duration_since(SystemTime::UNIX_EPOCH);
        let age = clock::wall().since(Timestamp::default().plus(written.unwrap_or_default()));
        let mut plan = None;
        let mut read = Self {
            path,
            plan: PlanId(0),
            logs: Vec::new(),
            results: Vec::new(),
            to_upload: BTreeSet::new(),
            uploaded: BTreeSet::new(),
            has_left: false,
            is_stale: age > STALE,
        };
        let mut is_torn = false;
        for line in BufReader::new(file).split(b'\n') {
            if is_torn {
                return Ok(None);
            }
            let Ok(record) = serde_json::from_slice::<Record>(&line?) else {
                is_torn = true;
                read.has_left = false;
                continue;
            };
            read.has_left = matches!(record.event, RecordEvent::Left { .. });
            match record.event {
                RecordEvent::Began { plan: its, .. } if *plan.get_or_insert(its) != its => {
                    return Ok(None);
                }
                RecordEvent::Ended { log: Some(log), .. } => read.logs.push(log),
                RecordEvent::Results { folder, .. } => read.results.push(folder),
                RecordEvent::Uploading { folder, .. } | RecordEvent::NotUploaded { folder, .. } => {
                    read.to_upload.insert(folder);
                }
                RecordEvent::Uploaded { folder, .. } => {
                    read.uploaded.insert(folder);
                }
                _ => {}
            }
        }
        Ok(plan.map(|plan| Self { plan, ..read }))
    }

    fn is_finished(&self, finished: FinishedPlans) -> bool {
        self.is_stale || (finished == FinishedPlans::Left && self.has_left)
    }

    /// The records go last, because they name the other files.
    fn remove(&self, out: &Path) {
        for log in self.logs.iter().filter_map(|log| below("logs", log)) {
            let _ = fs::remove_file(out.join(log));
        }
        for folder in self.results.iter().filter_map(|it| below("results", it)) {
            let _ = fs::remove_dir_all(out.join(folder));
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// A path directly below the folder.
fn below<'a>(folder: &str, path: &'a str) -> Option<&'a Path> {
    let path = Path::new(path);
    let mut parts = path.components();
    let is_below = parts.next() == Some(Component::Normal(folder.as_ref()))
        && matches!(parts.next(), Some(Component::Normal(_)))
        && parts.next().is_none();
    is_below.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Capabilities, CaseCounts, ExecutionId, Outcome, PlanStatus, record::RECORD_VERSION,
    };

    fn line(event: RecordEvent) -> String {
        let record = Record {
            v: RECORD_VERSION,
            at: Timestamp(5),
            worker: "w".to_owned(),
            event,
        };
        serde_json::to_string(&record).unwrap() + "\n"
    }

    fn began(plan: i64) -> String {
        line(RecordEvent::Began {
            plan: PlanId(plan),
            title: String::new(),
            project: String::new(),
            batch: String::new(),
            capabilities: Capabilities::default(),
            status: PlanStatus::default(),
            version: String::new(),
            clock_ahead_ms: None,
            page_url: None,
        })
    }

    fn ended(log: &str) -> String {
        line(RecordEvent::Ended {
            execution: ExecutionId(1),
            outcome: Outcome::Cancelled,
            duration_ms: 1,
            cases: Vec::new(),
            not_kept: CaseCounts::default(),
            log: Some(log.to_owned()),
            output_tail: String::new(),
        })
    }

    fn left() -> String {
        line(RecordEvent::Left {
            reason: "drained".to_owned(),
            status: None,
        })
    }

    struct Out(tempfile::TempDir);

    impl Out {
        fn new() -> Self {
            let out = tempfile::tempdir().unwrap();
            for part in ["records", "logs", "results"] {
                fs::create_dir(out.path().join(part)).unwrap();
            }
            Self(out)
        }

        fn put(&self, name: &str, text: &str) {
            crate::fs::write_atomic(&self.0.path().join(name), text.as_bytes()).unwrap();
        }

        fn has(&self, name: &str) -> bool {
            self.0.path().join(name).exists()
        }
    }

    #[test]
    fn records_of_finished_plans_are_removed() {
        let out = Out::new();
        let over = [began(1), ended("logs/1.log"), left()].concat();
        out.put("records/over.ndjson", &over);
        out.put("logs/1.log", "x");
        out.put("logs/of-a-user.log", "x");
        let traversal = [began(2), ended("logs/../mine.txt"), left()].concat();
        out.put("records/hostile.ndjson", &traversal);
        out.put("mine.txt", "x");
        out.put(
            "records/at-work.ndjson",
            &[began(3), ended("logs/3.log")].concat(),
        );
        out.put("logs/3.log", "x");
        out.put("records/half-left.ndjson", &[began(4), left()].concat());
        out.put("records/half-at-work.ndjson", &began(4));
        out.put("records/kept.ndjson", &[began(9), left()].concat());
        out.put("records/not-ours.ndjson", "{\"level\":\"info\"}\n");
        let newer = [began(5), "{\"v\":1,\"event\":\"new\"}\n".to_owned(), left()].concat();
        out.put("records/newer.ndjson", &newer);
        remove_finished_plans(out.0.path(), PlanId(9), FinishedPlans::Stale);
        assert!(out.has("records/over.ndjson"), "nothing is a week old");
        remove_finished_plans(out.0.path(), PlanId(9), FinishedPlans::Left);
        for gone in [
            "records/over.ndjson",
            "logs/1.log",
            "records/hostile.ndjson",
        ] {
            assert!(!out.has(gone), "{gone}");
        }
        for kept in [
            "logs/of-a-user.log",
            "mine.txt",
            "records/at-work.ndjson",
            "logs/3.log",
            "records/half-left.ndjson",
            "records/half-at-work.ndjson",
            "records/kept.ndjson",
            "records/not-ours.ndjson",
            "records/newer.ndjson",
        ] {
            assert!(out.has(kept), "{kept}");
        }
    }

    #[test]
    fn pending_uploads_are_kept() {
        let out = Out::new();
        let (execution, folder) = (ExecutionId(1), "results/a".to_owned());
        let uploading = line(RecordEvent::Uploading {
            execution,
            folder: folder.clone(),
        });
        out.put("records/a.ndjson", &[began(1), uploading, left()].concat());
        remove_finished_plans(out.0.path(), PlanId(9), FinishedPlans::Left);
        assert!(out.has("records/a.ndjson"));
        let uploaded = line(RecordEvent::Uploaded {
            execution,
            folder,
            files: 1,
            bytes: 1,
        });
        out.put("records/b.ndjson", &[began(1), uploaded, left()].concat());
        remove_finished_plans(out.0.path(), PlanId(9), FinishedPlans::Left);
        assert!(!out.has("records/a.ndjson") && !out.has("records/b.ndjson"));
    }

    #[test]
    fn only_our_result_files_are_removed() {
        let out = Out::new();
        out.put(
            "junit.xml",
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites name=\"pytest tests\">",
        );
        out.put("summary.md", "# Summary of my thesis\n");
        out.put("report.html", "<html><body>mine</body></html>");
        remove_results(out.0.path()).unwrap();
        for kept in ["junit.xml", "summary.md", "report.html"] {
            assert!(out.has(kept), "{kept}");
        }
        let report = crate::report::PlanReport::default();
        let profile = crate::report::junit::Profile::Default;
        crate::report_files::write_reports(&report, out.0.path(), profile, None).unwrap();
        remove_results(out.0.path()).unwrap();
        for gone in ["junit.xml", "summary.md", "report.html"] {
            assert!(!out.has(gone), "{gone}");
        }
        remove_results(&out.0.path().join("not-there")).unwrap();
    }
}
