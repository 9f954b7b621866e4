//! The outputs of the action, and their values for a report.

use std::path::{Path, PathBuf};

use crate::report::PlanReport;

/// The outputs of the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutput {
    /// The number of the plan.
    PlanId,
    /// Address of the plan at the service.
    PlanUrl,
    /// The attempt of the CI run that started the plan.
    PlanAttempt,
    /// The workers, for `strategy.matrix`.
    Matrix,
    /// The number of entries in the matrix.
    Workers,
    /// The word of the exit code.
    Conclusion,
    /// Executions of the plan.
    Total,
    /// Executions that passed.
    Passed,
    /// Executions that failed.
    Failed,
    /// Executions that failed and are excused by a quarantine.
    Quarantined,
    /// Executions that were skipped.
    Skipped,
    /// Executions that passed on a retry.
    Flaky,
    /// Executions that could not run.
    Errors,
    /// Executions without a counted result.
    Missing,
    /// From the first reservation to the last result.
    DurationMs,
    /// The JUnit file.
    JUnitPath,
    /// The summary, as Markdown.
    SummaryPath,
    /// The report, as HTML.
    ReportPath,
    /// The folder of record files.
    RecordsPath,
}

impl StepOutput {
    /// All of them, in the order of action.yml.
    pub const ALL: [Self; 19] = [
        Self::PlanId,
        Self::PlanUrl,
        Self::PlanAttempt,
        Self::Matrix,
        Self::Workers,
        Self::Conclusion,
        Self::Total,
        Self::Passed,
        Self::Failed,
        Self::Quarantined,
        Self::Skipped,
        Self::Flaky,
        Self::Errors,
        Self::Missing,
        Self::DurationMs,
        Self::JUnitPath,
        Self::SummaryPath,
        Self::ReportPath,
        Self::RecordsPath,
    ];

    /// As in action.yml.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlanId => "plan-id",
            Self::PlanUrl => "plan-url",
            Self::PlanAttempt => "plan-attempt",
            Self::Matrix => "matrix",
            Self::Workers => "workers",
            Self::Conclusion => "conclusion",
            Self::Total => "total",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::Skipped => "skipped",
            Self::Flaky => "flaky",
            Self::Errors => "errors",
            Self::Missing => "missing",
            Self::DurationMs => "duration-ms",
            Self::JUnitPath => "junit-path",
            Self::SummaryPath => "summary-path",
            Self::ReportPath => "report-path",
            Self::RecordsPath => "records-path",
        }
    }
}

/// The counts of a report and the paths of its files below `out`.
pub(crate) fn of_report(report: &PlanReport, out: &Path) -> Vec<(StepOutput, String)> {
    let counts = report.tests();
    let plan = report.plan.as_ref();
    let plan = plan.map(|plan| (StepOutput::PlanId, plan.id.to_string()));
    let numbers = [
        (StepOutput::Total, counts.total),
        (StepOutput::Passed, counts.passed),
        (StepOutput::Failed, counts.failed),
        (StepOutput::Quarantined, counts.quarantined),
        (StepOutput::Skipped, counts.skipped),
        (StepOutput::Flaky, counts.flaky),
        (StepOutput::Errors, counts.errors),
        (StepOutput::Missing, counts.missing),
        (StepOutput::DurationMs, report.duration_ms()),
    ];
    let files = [
        (StepOutput::JUnitPath, "junit.xml"),
        (StepOutput::SummaryPath, "summary.md"),
        (StepOutput::ReportPath, "report.html"),
        (StepOutput::RecordsPath, "records"),
    ];
    let path = |name: &str| absolute(&out.join(name)).display().to_string();
    plan.into_iter()
        .chain(numbers.map(|(output, number)| (output, number.to_string())))
        .chain(files.map(|(output, name)| (output, path(name))))
        .collect()
}

/// Later steps may have another working directory.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
