//! Record files on disk become a report, and the report becomes files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

use crate::{
    failure::Failure,
    fs,
    model::{Execution, PlanId, PlanStatus},
    random,
    report::{
        self, PlanReport, ReadError, cases::ReadSeek, html, junit, merge::Evidence,
        read::RecordFile, read_record_file, summary,
    },
};

/// The record files and folders to read: those named, else the ones in the `--out` folder.
pub(crate) fn record_paths(out: &Path, named: &[PathBuf]) -> Vec<PathBuf> {
    if named.is_empty() {
        vec![out.join("records")]
    } else {
        named.to_vec()
    }
}

/// Reads and merges the records of one plan: the given one, or the newest.
pub(crate) fn merge(
    paths: &[PathBuf],
    plan: Option<PlanId>,
    status: Option<PlanStatus>,
    executions: Option<Vec<Execution>>,
) -> Result<PlanReport, Failure> {
    let mut files = Vec::new();
    // A plan without workers has no record folder, and the service says what there was to run. If some of several paths
    // exist, a missing one is a mistake.
    let has_records = paths.iter().any(|path| path.exists());
    for path in paths {
        if status.is_none() || has_records {
            read_records(path, &mut files)?;
        }
    }
    let mut warnings = Vec::new();
    if files.is_empty() {
        let places: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let none = format!("no records in {}", places.join(", "));
        if status.is_none() {
            return Err(Failure::usage_text(none).help(RECORDS_HELP));
        }
        warnings.push(format!(
            "{none}: either no worker ran, or its records are elsewhere"
        ));
    }
    if status.is_none() && files.iter().all(|file| file.records.is_empty()) {
        // This is no empty plan, which --allow-empty accepts: what there was to run is unknown.
        let file = &files[0];
        let why = file.warnings.first().map_or("it is empty", String::as_str);
        return Err(Failure::usage_text(format_args!(
            "no record can be read in {}: {why}",
            file.name
        ))
        .help(RECORDS_HELP));
    }
    let evidence = Evidence {
        files,
        plan,
        status,
        executions,
    };
    let mut report = report::merge::merge(evidence).map_err(|error| {
        Failure::usage(error).help("correct --plan-id, or name that plan's records with --records")
    })?;
    report.warnings.extend(warnings);
    Ok(report)
}

const RECORDS_HELP: &str = "name the workers' record files or folders with --records";

/// Reads a record file, or all record files in a folder and below.
pub(crate) fn read_records(path: &Path, files: &mut Vec<RecordFile>) -> Result<(), Failure> {
    let refuse = |error: io::Error| {
        Failure::usage_text(format_args!("records {}: {error}", path.display())).help(RECORDS_HELP)
    };
    if path.is_dir() {
        let mut found: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(refuse)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let path = entry.path();
                let is_record = path
                    .extension()
                    .is_some_and(|extension| extension == "ndjson");
                // A link to a folder may lead back up.
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                (is_record || is_folder).then_some(path)
            })
            .collect();
        found.sort();
        return found.iter().try_for_each(|path| read_records(path, files));
    }
    let source: Arc<dyn report::RecordSource> = Arc::new(OnDisk {
        name: path.display().to_string(),
        path: path.to_owned(),
    });
    files.push(read_record_file(&source).map_err(|error| match error {
        ReadError::Unreadable { .. } => Failure::usage(error).help(RECORDS_HELP),
        ReadError::Newer { .. } => Failure::usage(error),
    })?);
    Ok(())
}

/// A record file.
#[derive(Debug)]
struct OnDisk {
    name: String,
    path: PathBuf,
}

impl report::RecordSource for OnDisk {
    fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(File::open(&self.path)?))
    }
}

/// Writes `junit.xml`, `report.html` and `summary.md` into `out`; if that fails, also into a new folder for temporary files,
/// so that what is known is not lost with a full or read-only disk.
pub(crate) fn write_reports_or_aside(
    report: &PlanReport,
    out: &Path,
    profile: junit::Profile,
    commit: Option<&str>,
) -> Result<(), Failure> {
    write_reports(report, out, profile, commit).map_err(|failure| {
        match aside(report, profile, commit) {
            Ok(folder) => failure.help(format!(
                "the reports are in {} instead; make room in the folder of --out, or name another one",
                folder.display()
            )),
            // The first error says what to do.
            Err(_) => failure,
        }
    })
}

fn aside(
    report: &PlanReport,
    profile: junit::Profile,
    commit: Option<&str>,
) -> Result<PathBuf, Failure> {
    let random = random::hex(4).map_err(Failure::infrastructure)?;
    let folder = std::env::temp_dir().join(format!("testplan-report-{random}"));
    std::fs::create_dir(&folder).map_err(Failure::infrastructure)?;
    write_reports(report, &folder, profile, commit)?;
    Ok(folder)
}

/// The sizes of those files that exist below a folder.
fn file_sizes(folder: &Path, paths: BTreeSet<String>) -> BTreeMap<String, u64> {
    let size = |path: &str| {
        let found = std::fs::metadata(folder.join(path)).ok()?;
        found.is_file().then_some(found.len())
    };
    paths
        .into_iter()
        .filter_map(|path| Some((size(&path)?, path)))
        .map(|(size, path)| (path, size))
        .collect()
}

/// Writes `junit.xml`, `report.html` and `summary.md`. Tries all of them, and returns the first error.
pub(crate) fn write_reports(
    report: &PlanReport,
    out: &Path,
    profile: junit::Profile,
    commit: Option<&str>,
) -> Result<(), Failure> {
    let write = |name: &str, bytes: &[u8]| {
        fs::write_atomic(&out.join(name), bytes).map_err(Failure::infrastructure)
    };
    let path = out.join("junit.xml");
    let junit = fs::write_atomic_with(&path, |file| {
        junit::write(report, profile, file)
            .with_context(|| format!("cannot write {}", path.display()))
    })
    .map_err(Failure::infrastructure);
    let files = file_sizes(out, html::shown_files(report));
    let setting = html::HtmlOptions {
        commit,
        files: Some(&files),
    };
    let html = write("report.html", &html::render(report, &setting));
    let summary = summary::render(report, summary::DEFAULT_BUDGET);
    let summary = write("summary.md", summary.as_bytes());
    junit.and(html).and(summary)
}
