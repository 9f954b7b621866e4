//! Flags that several commands share, each in one place.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{config::duration, model::Capability, report::junit};

/// How a command prints its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs; versioned by a member `schema`.
    Json,
}

/// When to colour the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, and if the environment asks for it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much is printed, and in which colours.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct VerbosityArgs {
    /// Colour the output.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Output"
    )]
    pub color: ColorChoice,
    /// Print only failures and warnings.
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Print more log output; -vv also logs requests and responses.
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,
}

/// Where the service is and how to log in. The secret comes from `TESTCENTER_TOKEN`, or `TESTCENTER_USER` and
/// `TESTCENTER_PASSWORD`, or a file: never from the value of a flag.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServiceArgs {
    /// Use the service at this base URL: Test Center or `testplan serve`; several of one service with commas between them
    /// [env: `TESTCENTER_URL`].
    #[arg(long, value_name = "URL", help_heading = "Service")]
    pub(crate) url: Option<String>,
    /// Read the access token from this file.
    #[arg(long, value_name = "FILE", help_heading = "Service")]
    pub(crate) token_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file too: of an authority, or of the service itself [env: `TESTPLAN_CA_CERT`].
    #[arg(long, value_name = "FILE", help_heading = "Service")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Send credentials over plain http to another host.
    #[arg(long, help_heading = "Service")]
    pub(crate) allow_http: bool,
    /// Keep retrying an unreachable service for this long, then end with exit code 3 [default: 2m; 10m for a result].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Service")]
    pub(crate) patience: Option<Duration>,
}

/// Which template to look up.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TemplateArgs {
    /// Look the template up in this project [default: the project of testplan.yml].
    #[arg(long, value_name = "NAME", help_heading = "Plan")]
    pub(crate) project: Option<String>,
    /// Use the template with this title [default: the template of testplan.yml, if it has one only].
    #[arg(long, value_name = "TITLE", help_heading = "Plan")]
    pub(crate) template: Option<String>,
}

/// The names of the new plan and the revisions that it is linked to.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StartArgs {
    /// Give the new plan this title [default: unique per CI job, run and attempt].
    #[arg(long, value_name = "TITLE", help_heading = "Plan")]
    pub(crate) title: Option<String>,
    /// Group the results of the plan in this batch [default: unique per CI job, run and attempt].
    #[arg(long, value_name = "NAME", help_heading = "Plan")]
    pub(crate) batch: Option<String>,
    /// Link the plan to a revision of a repository: ID, or ID=branch-or-commit; repeat for more [default: the commit under
    /// test].
    #[arg(long = "linked-repo", value_name = "ID[=REV]", help_heading = "Plan")]
    pub(crate) linked_repos: Vec<String>,
    /// Test this commit [default: what the CI says].
    #[arg(long, value_name = "SHA", value_parser = commit, help_heading = "Plan")]
    pub(crate) commit: Option<String>,
    /// Test this branch [default: what the CI says].
    #[arg(long, value_name = "NAME", help_heading = "Plan")]
    pub(crate) branch: Option<String>,
}

/// The configuration file.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConfigArgs {
    /// Read this configuration file [env: `TESTPLAN_CONFIG`] [default: ./testplan.yml].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How the workers of this process run tests.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkerArgs {
    /// Offer this capability; repeat for more.
    #[arg(
        long = "capability",
        value_name = "KEY=VALUE",
        help_heading = "Workers"
    )]
    pub(crate) capabilities: Vec<Capability>,
    /// Run this many executions at once [env: `TESTPLAN_WORKERS`] [default: cores; 1 if `runner.squish.server` is `local`
    /// or an address].
    #[arg(long, value_name = "N", value_parser = workers, help_heading = "Workers")]
    pub(crate) workers: Option<usize>,
    /// Ask for a Squish server with each reservation [default: if `runner.squish` wants allocated ones].
    #[arg(long, help_heading = "Workers")]
    pub(crate) allocate_server: bool,
    /// Ask for leases of this length, and renew them [env: `TESTPLAN_LEASE`] [default: 60s].
    #[arg(long, value_name = "DURATION", value_parser = lease, help_heading = "Workers")]
    pub(crate) lease: Option<Duration>,
    /// Stop after this time, even if tests remain (exit code 5) [env: `TESTPLAN_DEADLINE`].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Workers")]
    pub(crate) deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) grace: GraceArgs,
}

/// How long to wait for a worker or Squish server that can run the remaining tests.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct GraceArgs {
    /// When no live worker or Squish server can run the remaining tests, wait this long for one to appear, then end with
    /// exit code 5 [default: 10m].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Workers")]
    pub(crate) grace: Option<Duration>,
}

impl GraceArgs {
    /// The value of the flag, or its default.
    pub(crate) fn span(self) -> Duration {
        self.grace.unwrap_or(Duration::from_secs(600))
    }
}

/// Which JUnit to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum JunitProfile {
    /// With file and line on cases, and with properties that say where an execution ran on its first case.
    #[default]
    Default,
    /// Valid against Jenkins' junit-10 schema.
    Strict,
}

/// Which reports to write, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportFileArgs {
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Write this kind of JUnit XML.
    #[arg(long, value_enum, default_value_t, help_heading = "Results")]
    junit: JunitProfile,
    /// Accept a plan without tests, or with skipped tests only (exit code 0 instead of 4).
    #[arg(long, help_heading = "Results")]
    pub(crate) allow_empty: bool,
}

impl ReportFileArgs {
    pub(crate) fn junit_profile(&self) -> junit::Profile {
        match self.junit {
            JunitProfile::Default => junit::Profile::Default,
            JunitProfile::Strict => junit::Profile::Strict,
        }
    }
}

/// Whether the result files of each execution are uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum UploadPolicy {
    /// Upload to Test Center, which reads the verdicts from them; not to testplan's own service, which gets them directly.
    #[default]
    Auto,
    /// Upload to any service.
    Always,
    /// Do not upload; `testplan upload --records OUT` can do it later.
    Never,
}

/// Whether the result files of each execution are uploaded.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct UploadPolicyArgs {
    /// Upload the result files of each execution to its plan's batch, labelled with the capabilities and the CI's revision,
    /// branch and run.
    #[arg(long, value_enum, default_value_t, help_heading = "Results")]
    pub(crate) upload: UploadPolicy,
}

/// Where reports and records go.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutArgs {
    /// Write `junit.xml`, `report.html`, `summary.md`, `records/` and `logs/` to this folder [env: `TESTPLAN_OUT`]
    /// [default: testplan-out].
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    pub(crate) out: Option<PathBuf>,
}

/// Publishes on GitHub when a plan starts (execute) and when it ends. The token comes from `GITHUB_TOKEN`. A refusal
/// of GitHub is a warning and does not change the exit code.
#[derive(Args, Clone, Debug)]
pub(crate) struct GitHubArgs {
    /// Set a commit status; execute sets it to pending [env: `GITHUB_TOKEN`, `GITHUB_REPOSITORY`, `GITHUB_API_URL`]
    /// [default: false; in the action true for run and report, unless --check-run is set].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "GitHub")]
    pub(crate) commit_status: Option<bool>,
    /// Name the commit status and the pull request's comment; a later one of the same name replaces them.
    #[arg(long, value_name = "NAME", default_value = "testplan", value_parser = status_context, help_heading = "GitHub")]
    pub(crate) status_context: String,
    /// Create a check run with the summary as its text and annotations in the changed files [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "GitHub")]
    pub(crate) check_run: Option<bool>,
    /// Name the check run. Must differ from the name of a commit status: GitHub would wait for both.
    #[arg(long, value_name = "NAME", default_value = "testplan report", value_parser = status_context, help_heading = "GitHub")]
    pub(crate) check_name: String,
    /// Publish on this commit, whichever commit was tested [default: the event's commit, for a pull request its head; and
    /// only if tests ran at it, or at GitHub's merge of it].
    #[arg(long, value_name = "SHA", value_parser = commit, help_heading = "GitHub")]
    pub(crate) report_commit: Option<String>,
}

/// Whether the report becomes a comment on the pull request.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct CommentArgs {
    /// Write the result into one comment on the pull request, and update it [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "GitHub")]
    pub(crate) pr_comment: Option<bool>,
}

/// What a step of GitHub Actions shows of its results.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ShowArgs {
    /// Annotate failures, ten at most [default: false; in the action true for run and report].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "GitHub")]
    pub(crate) annotations: Option<bool>,
    /// Append the summary to the job summary [env: `GITHUB_STEP_SUMMARY`] [default: as for --annotations].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "GitHub")]
    pub(crate) job_summary: Option<bool>,
}

/// Longest name of a commit status, in bytes.
const LONGEST_CONTEXT: usize = 255;

/// Reads `--status-context`.
pub(crate) fn status_context(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > LONGEST_CONTEXT || text.contains(char::is_control) {
        return Err(format!(
            "a name of 1 to {LONGEST_CONTEXT} bytes on one line"
        ));
    }
    Ok(text.to_owned())
}

/// Reads a commit's hash.
pub(crate) fn commit(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !(7..=64).contains(&text.len()) || !text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err("a commit is a hash of 7 to 64 hexadecimal digits".to_owned());
    }
    Ok(text.to_owned())
}

/// Shortest lease. A heartbeat's round trip and the end of a process tree have to fit in it.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// Most workers of one process.
const MOST_WORKERS: usize = 1024;

/// Reads `--workers`.
pub(crate) fn workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(workers) if (1..=MOST_WORKERS).contains(&workers) => Ok(workers),
        _ => Err(format!("a number from 1 to {MOST_WORKERS}, not {text}")),
    }
}

/// Reads `--lease`.
pub(crate) fn lease(text: &str) -> Result<Duration, String> {
    let span = duration::parse(text).map_err(|error| error.to_string())?;
    if span < SHORTEST_LEASE || span > Duration::from_secs(24 * 3600) {
        return Err(format!("a lease is between 1s and 24h, not {text}"));
    }
    Ok(span)
}
