//! Flags that several commands share, each in one place.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{config::duration, model::Capability};

/// How a reading command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; versioned by a member `schema`.
    Json,
}

/// When to paint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, and where the environment asks for it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is said, and how.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Voice {
    /// Paint the output.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Output"
    )]
    pub color: ColorChoice,
    /// Say only what failed.
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Say more; twice for the conversation with the service.
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,
}

/// Where the service is and how to get in. The secret itself comes from `TESTCENTER_TOKEN`, or `TESTCENTER_USER` and
/// `TESTCENTER_PASSWORD`, or a file: never from a flag's value.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// Base URL of Test Center or of `testplan serve` [env: `TESTCENTER_URL`].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Read the access token from this file.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Trust these certificates too (PEM): of authorities, or of the service itself [env: `TESTPLAN_CA_CERT`].
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// Send credentials over plain http to a host other than this one.
    #[arg(long)]
    pub allow_http: bool,
    /// How long an unreachable service is ridden out before giving up (exit code 3) [default: 2m; 10m for a result].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub patience: Option<Duration>,
}

/// What to look up.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Plan")]
pub struct TemplateArgs {
    /// Project of the template [default: the project of testplan.yml].
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Title of the template [default: the template of testplan.yml when there is one only].
    #[arg(long, value_name = "TITLE")]
    pub template: Option<String>,
}

/// What the new plan is called and linked to.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Plan")]
pub struct StartArgs {
    /// Title of the new plan [default: unique per CI job, run and attempt].
    #[arg(long, value_name = "TITLE")]
    pub title: Option<String>,
    /// Batch that groups its results [default: unique per CI job, run and attempt].
    #[arg(long, value_name = "NAME")]
    pub batch: Option<String>,
    /// Link a repository's revision: ID, or ID=branch-or-commit [default: the commit under test].
    #[arg(long = "linked-repo", value_name = "ID[=REV]")]
    pub linked_repos: Vec<String>,
    /// The commit under test [default: what the CI says].
    #[arg(long, value_name = "SHA", value_parser = commit)]
    pub commit: Option<String>,
    /// The branch under test [default: what the CI says].
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
}

/// The configuration file.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// testplan.yml [env: `TESTPLAN_CONFIG`] [default: `testplan.yml` beside you].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How workers work.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Workers")]
pub struct WorkerArgs {
    /// What the workers offer; repeat for more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    pub capabilities: Vec<Capability>,
    /// Executions at once in this process [env: `TESTPLAN_WORKERS`] [default: cores; 1 where `runner.squish.server` is
    /// `local` or an address].
    #[arg(long, value_name = "N", value_parser = workers)]
    pub workers: Option<usize>,
    /// Ask for a Squish server with each reservation [default: where `runner.squish` wants allocated ones].
    #[arg(long)]
    pub allocate_server: bool,
    /// Lease asked for and renewed [env: `TESTPLAN_LEASE`] [default: 60s].
    #[arg(long, value_name = "DURATION", value_parser = lease)]
    pub lease: Option<Duration>,
    /// Stop after this time, whatever is left (exit code 5) [env: `TESTPLAN_DEADLINE`].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub deadline: Option<Duration>,
    /// How long a wait in which nothing can happen may last.
    #[command(flatten)]
    pub grace: GraceArgs,
}

/// How long a wait in which nothing can happen may last.
#[derive(Args, Clone, Copy, Debug)]
pub struct GraceArgs {
    /// How long a worker or Squish server is waited for that could take what is open, once nothing else can happen.
    /// Then the command ends with exit code 5 [default: 10m].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub grace: Option<Duration>,
}

impl GraceArgs {
    /// The time chosen, or the default.
    pub fn span(self) -> Duration {
        self.grace.unwrap_or(Duration::from_secs(600))
    }
}

/// Whether each execution's results go to the service as files, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UploadPolicy {
    /// To Test Center, which takes its verdicts from them; not to testplan's own service, which is told them.
    #[default]
    Auto,
    /// To any service.
    Always,
    /// To none; `testplan upload --records OUT` does it later.
    Never,
}

/// What becomes of each execution's result files.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Workers")]
pub struct UploadArgs {
    /// Upload the result files of each execution to its plan's batch, labelled with the capabilities and what the CI says
    /// of revision, branch and run.
    #[arg(long, value_enum, default_value_t)]
    pub upload: UploadPolicy,
}

/// Where results go.
#[derive(Args, Clone, Debug)]
pub struct OutArgs {
    /// Folder for `junit.xml`, `report.html`, `summary.md`, `records/`, `logs/` [env: `TESTPLAN_OUT`] [default: testplan-out].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What GitHub is told of a plan: when it starts (execute) and in the end. The token comes from `GITHUB_TOKEN`, never from a flag's value. Whatever GitHub
/// refuses is a warning: the exit code stays what the tests made it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "GitHub")]
pub struct GitHubArgs {
    /// Set a commit status [env: `GITHUB_TOKEN`, `GITHUB_REPOSITORY`, `GITHUB_API_URL`] [default: false; in the action
    /// true for run and report, unless there is a check run]. For execute it is pending.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub commit_status: Option<bool>,
    /// What tells this status, and the pull request's comment, from others; a later one of the same name replaces it.
    #[arg(long, value_name = "NAME", default_value = "testplan", value_parser = status_context)]
    pub status_context: String,
    /// Make a check run, with the summary as its text and annotations in the changed files [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub check_run: Option<bool>,
    /// What the check run is called. Another name than that of a commit status: GitHub would wait for both.
    #[arg(long, value_name = "NAME", default_value = "testplan report", value_parser = status_context)]
    pub check_name: String,
    /// Publish on this commit, whatever was tested [default: the event's commit, of a pull request its head; and only if
    /// tests ran at it, or at GitHub's merge of it].
    #[arg(long, value_name = "SHA", value_parser = commit)]
    pub report_commit: Option<String>,
}

/// What GitHub is told beside that, once there is a report.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "GitHub")]
pub struct CommentArgs {
    /// Comment on the pull request, always the same comment [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub pr_comment: Option<bool>,
}

/// What a step of GitHub Actions shows of its results.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "GitHub")]
pub struct ShowArgs {
    /// Mark failures as annotations, ten at most [default: false; in the action true for run and report].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub annotations: Option<bool>,
    /// Append the summary to the job summary [env: `GITHUB_STEP_SUMMARY`] [default: as for annotations].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub job_summary: Option<bool>,
}

/// Longest name of a commit status, in bytes.
const LONGEST_CONTEXT: usize = 255;

/// Reads `--status-context`.
pub fn status_context(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > LONGEST_CONTEXT || text.contains(char::is_control) {
        return Err(format!(
            "a name of 1 to {LONGEST_CONTEXT} bytes on one line"
        ));
    }
    Ok(text.to_owned())
}

/// Reads a commit's hash.
pub fn commit(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !(7..=64).contains(&text.len()) || !text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err("a commit is a hash of 7 to 64 hexadecimal digits".to_owned());
    }
    Ok(text.to_owned())
}

/// Shortest lease: below this, a heartbeat's round trip and the end of a process tree do not fit in it.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// Most workers of one process.
const MOST_WORKERS: usize = 1024;

/// Reads `--workers`.
pub fn workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(workers) if (1..=MOST_WORKERS).contains(&workers) => Ok(workers),
        _ => Err(format!("a number from 1 to {MOST_WORKERS}, not {text}")),
    }
}

/// Reads `--lease`.
pub fn lease(text: &str) -> Result<Duration, String> {
    let span = duration::parse(text).map_err(|error| error.to_string())?;
    if span < SHORTEST_LEASE || span > Duration::from_secs(24 * 3600) {
        return Err(format!("a lease is between 1s and 24h, not {text}"));
    }
    Ok(span)
}
