//! From records to a report on disk: what `run`, `report`, `retry` and `demo` share.

use std::{
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
    report::{
        self, PlanReport, ReadError, cases::ReadSeek, html, junit, merge::Evidence,
        read::RecordFile, read_record_file, summary,
    },
};

/// Record files and folders to read: those named, else the `--out` folder's own.
pub fn record_paths(out: &Path, named: &[PathBuf]) -> Vec<PathBuf> {
    if named.is_empty() {
        vec![out.join("records")]
    } else {
        named.to_vec()
    }
}

/// Reads and merges the records of one plan: the one named, or the newest.
pub fn merge(
    paths: &[PathBuf],
    plan: Option<PlanId>,
    status: Option<PlanStatus>,
    executions: Option<Vec<Execution>>,
) -> Result<PlanReport, Failure> {
    let mut files = Vec::new();
    // A plan that nobody worked on has left no folder, and the service says what there was to do. One of several that is
    // missing is a mistake.
    let is_worked_on = paths.iter().any(|path| path.exists());
    for path in paths {
        if status.is_none() || is_worked_on {
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
            "{none}: either nobody worked, or what workers wrote down is elsewhere"
        ));
    }
    if status.is_none() && files.iter().all(|file| file.records.is_empty()) {
        // Not an empty plan, which somebody may be content with: nobody knows what there was to run.
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

/// Reads a record file, or all in a folder and below.
pub fn read_records(path: &Path, files: &mut Vec<RecordFile>) -> Result<(), Failure> {
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

/// Which JUnit to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum JUnitProfile {
    /// With file and line on cases, and with properties that say where an execution ran on its first case.
    #[default]
    Default,
    /// Valid against Jenkins' junit-10 schema.
    Strict,
}

/// What is known beside the report, and how it is written.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Which JUnit.
    pub profile: JUnitProfile,
    /// The commit under test, where it is known.
    pub commit: Option<String>,
}

/// Writes `junit.xml`, `report.html` and `summary.md`. A report that cannot be written does not keep the others from
/// being written; the first trouble is returned after all were tried.
pub fn write_reports(report: &PlanReport, out: &Path, form: &Form) -> Result<(), Failure> {
    let profile = match form.profile {
        JUnitProfile::Default => junit::Profile::Default,
        JUnitProfile::Strict => junit::Profile::Strict,
    };
    let write = |name: &str, bytes: &[u8]| {
        fs::write_atomic(&out.join(name), bytes).map_err(Failure::infrastructure)
    };
    let path = out.join("junit.xml");
    let junit = fs::write_atomic_with(&path, |file| {
        junit::write(report, profile, file)
            .with_context(|| format!("cannot write {}", path.display()))
    })
    .map_err(Failure::infrastructure);
    let setting = html::HtmlOptions {
        commit: form.commit.as_deref(),
    };
    let html = write("report.html", &html::render(report, &setting));
    let summary = summary::render(report, summary::DEFAULT_BUDGET);
    let summary = write("summary.md", summary.as_bytes());
    junit.and(html).and(summary)
}
