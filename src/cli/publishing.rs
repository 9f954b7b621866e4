//! Publishes a run to GitHub for the flags of a command, and prints what became of it.

use std::path::Path;

use super::{
    args::{CommentArgs, GitHubArgs},
    context::Context,
    screen::Screen,
};
use crate::{
    ci::{Ci, github::Channel},
    client,
    failure::Failure,
    model::{Annotation, AnnotationLevel},
    publication::{
        Publication, PublicationSettings, PublishContext, PublishEvent,
        channels::{self, NOT_SET},
    },
    report::{PlanReport, sanitise::console_line},
};

/// Most of a warning that is shown, in bytes: GitHub's answer is in it.
const MAX_WARNING: usize = 1000;

/// Settings of flags. By default, a command whose verdict is the action's sets a commit status, unless it makes a check
/// run, which shows the same.
pub(crate) fn settings(
    args: &GitHubArgs,
    comment: Option<bool>,
    status_by_default: bool,
) -> PublicationSettings {
    let check_run = args.check_run.unwrap_or_default();
    let status = args
        .commit_status
        .unwrap_or(status_by_default && !check_run);
    let channels = [
        (Channel::Status, status),
        (Channel::CheckRun, check_run),
        (Channel::Comment, comment.unwrap_or_default()),
    ];
    PublicationSettings {
        channels: channels
            .into_iter()
            .filter_map(|(channel, is_on)| is_on.then_some(channel))
            .collect(),
        status_context: args.status_context.clone(),
        check_name: args.check_name.clone(),
        report_commit: args.report_commit.clone(),
    }
}

/// Refuses one name for status and check run: a rule of GitHub would wait for both.
pub(crate) fn check(args: &GitHubArgs) -> Result<(), Failure> {
    let both = args.check_run.unwrap_or_default() && args.commit_status.unwrap_or_default();
    if both && args.check_name.eq_ignore_ascii_case(&args.status_context) {
        return Err(Failure::usage_text(format_args!(
            "commit status and check run are both called {:?}, and a rule that requires this name waits for both",
            args.check_name
        ))
        .help("give one of them another name with --check-name or --status-context"));
    }
    Ok(())
}

/// Publishes to GitHub; a refusal is a warning. `near` is a folder of the checkout, if it is not the working directory.
pub(crate) async fn publish(publication: &Publication<'_>, near: Option<&Path>, context: &Context) {
    if publication.settings.channels.is_empty() {
        return;
    }
    let near: Vec<&Path> = near.into_iter().collect();
    let (ci, checkout) = context.checked_out(&near);
    client::install_tls_provider();
    let publish_context = PublishContext {
        checkout: checkout.as_ref(),
        ..publish_context(&ci, context)
    };
    let print = |event| print(event, &context.screen);
    channels::publish(publication, publish_context, print).await;
}

/// Adds to the warnings of a report why its result will not be published, if so. Call it before the report is printed.
pub(crate) fn note_refusal(
    report: &mut PlanReport,
    args: &GitHubArgs,
    comment: CommentArgs,
    context: &Context,
) {
    let is_action = context.screen.step().is_action();
    let settings = settings(args, comment.pr_comment, is_action);
    if settings.channels.is_empty() {
        return;
    }
    let why = channels::refusal(report, &settings, publish_context(context.ci(), context));
    report.warnings.extend(why);
}

fn publish_context<'a>(ci: &'a Ci, context: &'a Context) -> PublishContext<'a> {
    let step = context.screen.step();
    PublishContext {
        ci,
        environment: &context.environment,
        is_action: step.is_action(),
        checkout: None,
        workspace: step.workspace(),
    }
}

fn print(event: PublishEvent, screen: &Screen) {
    match event {
        PublishEvent::Set(line) => screen.info(line),
        PublishEvent::NotSet {
            heading,
            line,
            in_report,
        } => {
            // The report has printed it already.
            if !in_report || screen.is_quiet() {
                screen.warn(console_line(&line, MAX_WARNING));
            }
            annotate(heading, &line, screen);
        }
        PublishEvent::PendingStays(line) => screen.info(format_args!(
            "the pending status of this run could not be ended: {}",
            console_line(&line, MAX_WARNING)
        )),
    }
}

/// Warns that a signal interrupted the publication.
pub(crate) fn warn_interrupted(screen: &Screen) {
    let line = "interrupted while reporting to GitHub; the status may be missing".to_owned();
    print(
        PublishEvent::NotSet {
            heading: NOT_SET,
            line,
            in_report: false,
        },
        screen,
    );
}

/// Adds a warning to the page of the run, if this is the action.
pub(crate) fn annotate(heading: &str, line: &str, screen: &Screen) {
    if screen.step().is_action() {
        screen.annotate(&[Annotation::without_file(
            AnnotationLevel::Warning,
            heading,
            console_line(line, MAX_WARNING),
        )]);
    }
}
