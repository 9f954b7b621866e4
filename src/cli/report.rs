//! `testplan report`: merge the workers' records into one verdict.

use std::path::PathBuf;

use clap::Args;

use super::{
    args::{CommentArgs, Format, GitHubArgs, OutArgs, ServiceArgs, ShowArgs},
    connect,
    failure::{Ended, Failure},
    reporting::{self, JUnitProfile},
    screen::Screen,
    settings, showing, told,
};
use crate::{
    ci::github::Patience,
    config::environment::Environment,
    exit_code::Conclusion,
    model::{Capabilities, PlanId},
    report::{self, PlanFacts},
};

/// Merges records into JUnit, summary and verdict.
#[derive(Args, Debug)]
pub struct Report {
    #[command(flatten)]
    service: ServiceArgs,
    /// The plan; needed where the records speak of several. With a service named too, its own word on what is done is
    /// held against the records.
    #[arg(long, value_name = "N")]
    plan_id: Option<PlanId>,
    /// Record files or folders; repeat for more [default: OUT/records].
    #[arg(long, value_name = "PATH", num_args = 1..)]
    records: Vec<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
    /// Which JUnit to write.
    #[arg(long, value_enum, default_value_t)]
    junit: JUnitProfile,
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    github: GitHubArgs,
    #[command(flatten)]
    comment: CommentArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// `testplan report`.
pub async fn run(command: Report, environment: &Environment, screen: &Screen) -> Ended {
    told::check(&command.github)?;
    let (report, ended) = match merged(&command, environment, screen).await {
        Ok((report, written)) => {
            let ended = written.map(|()| report.conclusion());
            (Some(report), ended)
        }
        Err(failure) => (None, Err(failure)),
    };
    let told = told::Told {
        news: report.as_ref().into(),
        by_default: screen.step().is_action(),
        comment: command.comment.pr_comment.unwrap_or_default(),
        ended: &ended,
        patience: Patience::default(),
    };
    told::tell(&command.github, told, environment, screen).await;
    ended
}

/// The report, printed and shown, and whether its files could be written.
async fn merged(
    command: &Report,
    environment: &Environment,
    screen: &Screen,
) -> Result<(report::Report, Result<(), Failure>), Failure> {
    let (plan, status, executions) = match command.plan_id {
        Some(id) if connect::names_a_service(&command.service, environment)? => {
            let client = connect::client(&command.service, environment, screen)?;
            let plan = client.plan(id).await?;
            let status = client.status(id, &Capabilities::default()).await?;
            (Some(plan), Some(status), client.executions(id).await?)
        }
        _ => (None, None, None),
    };
    let out = settings::folder(&command.out, environment)?;
    let paths = reporting::record_paths(&out, &command.records);
    let mut report = reporting::merge(&paths, command.plan_id, status, executions)?;
    report.plan = report.plan.or_else(|| plan.map(PlanFacts::from));
    if command.allow_empty && report.conclusion() == Conclusion::NothingToRun {
        report = report.stopped_by(Conclusion::Passed);
    }
    let form = reporting::Form {
        profile: command.junit,
        commit: connect::ci(environment).commit,
    };
    let written = reporting::write_reports(&report, &out, &form);
    match command.format {
        Format::Text => {
            screen.report(&report);
        }
        Format::Json => {
            screen.data(command.format, String::new, || report::json::json(&report));
            screen.conclude(report.conclusion());
        }
    }
    showing::show(&report, &out, command.show, screen);
    Ok((report, written))
}
