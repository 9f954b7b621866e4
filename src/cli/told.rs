//! What GitHub is told of a plan: a commit status, a check run, a comment. Whatever becomes of that, the exit code
//! stays; what GitHub refuses is told once for each cause.

mod tested;

use std::{collections::BTreeSet, path::Path};

use secrecy::SecretString;

use self::tested::Tested;
use super::{
    args::{CommentArgs, GitHubArgs},
    connect,
    screen::Screen,
    showing,
};
use crate::{
    ci::{
        Ci,
        github::{
            self, Address, Ask, CheckConclusion, CheckRun, CheckState, CommitStatus, GitHub,
            LARGEST_COMMENT, LARGEST_TEXT, NotSet, Patience, State,
        },
        workflow::{Annotation, Level},
    },
    client,
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    report::{PlanReport, sanitise::console_line, status_line::status_line, summary},
    text::short_commit,
};

/// GitHub's token.
const TOKEN: &str = "GITHUB_TOKEN";
/// `owner/name`.
const REPOSITORY: &str = "GITHUB_REPOSITORY";
/// The API's base, on GitHub Enterprise.
const API_URL: &str = "GITHUB_API_URL";
/// Most of what GitHub says that is shown, in bytes.
const MAX_WARNING: usize = 1000;
/// Heads the annotation about what GitHub could not be told.
const NOT_TOLD: &str = "testplan could not tell GitHub";
/// Heads the annotation about a result that is not published.
const NOT_PUBLISHED: &str = "testplan published no result";
/// Kept free in a text for what is put around it, in bytes.
const FRAME: usize = 1024;

/// What is told, and how long GitHub is waited for.
#[derive(Debug)]
pub struct Told<'a> {
    /// What there is to tell.
    pub news: News<'a>,
    /// Whether there is a commit status unless flags say otherwise: the action's verdict has one.
    pub by_default: bool,
    /// Whether the pull request gets a comment.
    pub comment: bool,
    /// A folder of the checkout, where it is not the one that this process runs in.
    pub near: Option<&'a Path>,
    /// Whether another job may have set the status to pending, which must not stay.
    pub began_elsewhere: bool,
    /// How the command ends: a report that could not be written is no success.
    pub ended: &'a CommandResult,
    /// How long GitHub is waited for.
    pub patience: Patience,
}

/// How far a plan is, for GitHub.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// It is under way, in a few words. Takes the place of what an earlier run left on the commit.
    Begun(&'a str),
    /// It came to this.
    Report(&'a PlanReport),
    /// It ended before there was anything to report.
    Nothing,
}

impl<'a> From<Option<&'a PlanReport>> for News<'a> {
    fn from(report: Option<&'a PlanReport>) -> Self {
        report.map_or(Self::Nothing, Self::Report)
    }
}

/// Tells GitHub what it was to be told. A refusal is a warning.
pub async fn tell(args: &GitHubArgs, told: Told<'_>, environment: &Environment, screen: &Screen) {
    let asks = asked(args, told.by_default, told.comment);
    if asks.is_empty() {
        return;
    }
    let near: Vec<&Path> = told.near.into_iter().collect();
    let (ci, checkout) = connect::checked_out(environment, &near);
    let (token, address, commit) = match target(args, environment, &ci, screen.step().is_action()) {
        Ok(target) => target,
        Err(why) => {
            let line = not_set(&asks, &why);
            return match told.news {
                News::Report(_) if is_noted(&ci, environment) && !screen.is_quiet() => {
                    mark(NOT_TOLD, &line, screen);
                }
                News::Report(_) | News::Begun(_) | News::Nothing => warn(&line, screen),
            };
        }
    };
    client::install_tls_provider();
    let telling = Telling {
        args,
        told: &told,
        ci: &ci,
        commit: &commit,
        screen,
    };
    let tested = match told.news {
        _ if args.report_commit.is_some() => Tested::This,
        News::Report(report) => tested_by(report, &commit),
        // Nothing was tested yet, but it would be what is checked out here.
        News::Begun(_) | News::Nothing => match checkout {
            Some(checkout) => tested::compare(&commit, &BTreeSet::from([Some(checkout)])),
            None => Tested::This,
        },
    };
    if let Some(why) = tested::refusal(&commit, &tested, telling.conclusion()) {
        let line = not_set(&asks, &why);
        match told.news {
            // The report has it among its warnings.
            News::Report(_) if !screen.is_quiet() => mark(NOT_PUBLISHED, &line, screen),
            News::Report(_) | News::Begun(_) | News::Nothing => {
                screen.warn(format_args!("{}", console_line(&line, MAX_WARNING)));
                mark(NOT_PUBLISHED, &line, screen);
            }
        }
        if told.began_elsewhere
            && let Ok(github) = GitHub::new(&address, &token, told.patience)
        {
            telling.take_back(&github, &asks).await;
        }
        return;
    }
    let mut failed = Vec::new();
    match GitHub::new(&address, &token, told.patience) {
        Err(why) => failed.extend(asks.into_iter().map(|ask| (ask, why.clone()))),
        Ok(github) => {
            let each = asks.into_iter().map(|ask| telling.set(&github, ask));
            for (ask, answer) in futures_util::future::join_all(each).await {
                match answer {
                    Ok(said) => screen.info(&said),
                    Err(why) => failed.push((ask, why)),
                }
            }
        }
    }
    for line in github::notices(&address, &failed, ci.read_only) {
        warn(&line, screen);
    }
}

/// Adds to a report's warnings why its result will not be published, if it will not. Call it before the report is
/// shown; [`tell`] decides again.
pub fn note(
    report: &mut PlanReport,
    args: &GitHubArgs,
    comment: CommentArgs,
    environment: &Environment,
    screen: &Screen,
) {
    let is_action = screen.step().is_action();
    let asks = asked(args, is_action, comment.pr_comment.unwrap_or_default());
    if asks.is_empty() || args.report_commit.is_some() {
        return;
    }
    let ci = connect::ci(environment);
    let commit = match target(args, environment, &ci, is_action) {
        Ok((_, _, commit)) => commit,
        Err(why) => {
            if is_noted(&ci, environment) {
                report.warnings.push(not_set(&asks, &why));
            }
            return;
        }
    };
    let tested = tested_by(report, &commit);
    if let Some(why) = tested::refusal(&commit, &tested, report.conclusion()) {
        report.warnings.push(not_set(&asks, &why));
    }
}

/// Whether a report has among its warnings that its event names no commit; without a token nothing was expected.
fn is_noted(ci: &Ci, environment: &Environment) -> bool {
    ci.report_on.is_none() && environment.get(TOKEN).is_some()
}

/// How what a report's workers tested stands to a commit. A plan without tests says nothing of any.
fn tested_by(report: &PlanReport, commit: &str) -> Tested {
    match report.total {
        0 => Tested::This,
        _ => tested::compare(commit, &report.checkouts),
    }
}

fn not_set(asks: &[Ask], why: &str) -> String {
    let what: Vec<String> = asks.iter().map(ToString::to_string).collect();
    format!("{} not set: {why}", what.join(", "))
}

/// Says what was not set; in the action where people see it without opening the log.
pub fn warn(line: &str, screen: &Screen) {
    let line = console_line(line, MAX_WARNING);
    screen.warn(format_args!("{line}"));
    mark(NOT_TOLD, &line, screen);
}

/// Marks a step of the action with a warning.
pub fn mark(title: &str, line: &str, screen: &Screen) {
    if screen.step().is_action() {
        screen.annotate(&[Annotation {
            level: Level::Warning,
            title: title.to_owned(),
            message: console_line(line, MAX_WARNING),
            file: None,
            line: None,
        }]);
    }
}

/// What was asked for. The action's verdict is a commit status unless there is a check run, which says the same.
fn asked(args: &GitHubArgs, by_default: bool, comment: bool) -> Vec<Ask> {
    let check_run = args.check_run.unwrap_or_default();
    let asks = [
        (
            Ask::Status,
            args.commit_status.unwrap_or(by_default && !check_run),
        ),
        (Ask::CheckRun, check_run),
        (Ask::Comment, comment),
    ];
    asks.into_iter()
        .filter(|(_, is_asked)| *is_asked)
        .map(|(ask, _)| ask)
        .collect()
}

/// Refuses what GitHub would wait for twice.
pub fn check(args: &GitHubArgs) -> Result<(), Failure> {
    let both = args.check_run.unwrap_or_default() && args.commit_status.unwrap_or_default();
    if both && args.check_name.eq_ignore_ascii_case(&args.status_context) {
        return Err(Failure::usage_text(format_args!(
            "commit status and check run are both called {:?}, and a rule that wants this name passed waits for both",
            args.check_name
        ))
        .help("give one of them another name with --check-name or --status-context"));
    }
    Ok(())
}

/// One piece of news on its way.
#[derive(Clone, Copy)]
struct Telling<'a> {
    args: &'a GitHubArgs,
    told: &'a Told<'a>,
    ci: &'a Ci,
    commit: &'a str,
    screen: &'a Screen,
}

impl Telling<'_> {
    async fn set(self, github: &GitHub, ask: Ask) -> (Ask, Result<String, NotSet>) {
        let answer = match ask {
            Ask::Status => self.status(github).await,
            Ask::CheckRun => self.check_run(github).await,
            Ask::Comment => self.comment(github).await,
        };
        let place = format!("{}@{}", github.address(), short_commit(self.commit));
        (ask, answer.map(|what| format!("{ask} {what} on {place}")))
    }

    /// Ends what another job of this run left pending on a commit that gets no result: it would wait for ever.
    async fn take_back(self, github: &GitHub, asks: &[Ask]) {
        let description = "no result: tests ran at another commit, or in no checkout".to_owned();
        let run = self.ci.run_url.as_deref().unwrap_or_default();
        let run = run.split("/attempts/").next().unwrap_or(run);
        let mut failed = Vec::new();
        if asks.contains(&Ask::Status) {
            let status = CommitStatus {
                state: State::Error,
                context: self.args.status_context.clone(),
                description: description.clone(),
                target_url: self.link().map(str::to_owned),
            };
            let ended = github.end_pending(self.commit, &status, run).await;
            failed.extend(ended.err().map(|why| (Ask::Status, why)));
        }
        if asks.contains(&Ask::CheckRun) {
            let check = CheckRun {
                name: self.args.check_name.clone(),
                external_id: self.run(),
                state: CheckState::Completed(CheckConclusion::Cancelled),
                summary: description.clone(),
                title: description,
                text: None,
                annotations: Vec::new(),
            };
            let ended = github.end_check_run(self.commit, &check).await;
            failed.extend(ended.err().map(|why| (Ask::CheckRun, why)));
        }
        // The refusal itself is an annotation already.
        for line in github::notices(github.address(), &failed, self.ci.read_only) {
            let line = console_line(&line, MAX_WARNING);
            self.screen.info(format_args!(
                "the pending status of this run could not be ended: {line}"
            ));
        }
    }

    async fn status(self, github: &GitHub) -> Result<String, NotSet> {
        let state = match self.told.news {
            News::Begun(_) => State::Pending,
            News::Report(_) | News::Nothing => state(self.conclusion()),
        };
        let status = CommitStatus {
            state,
            context: self.args.status_context.clone(),
            description: self.headline(),
            target_url: self.link().map(str::to_owned),
        };
        github
            .set_status(self.commit, &status)
            .await
            .map(|()| format!("{state} set"))
    }

    async fn check_run(self, github: &GitHub) -> Result<String, NotSet> {
        let annotations = match self.told.news {
            News::Report(report) => showing::annotations(report, self.screen),
            News::Begun(_) | News::Nothing => Vec::new(),
        };
        let run = CheckRun {
            name: self.args.check_name.clone(),
            external_id: self.run(),
            state: match self.told.news {
                News::Begun(_) => CheckState::InProgress,
                News::Report(_) | News::Nothing => {
                    CheckState::Completed(check_conclusion(self.conclusion()))
                }
            },
            title: self.headline(),
            summary: self.page(LARGEST_TEXT),
            text: None,
            annotations: annotations.into_iter().filter_map(in_a_file).collect(),
        };
        github
            .put_check_run(self.commit, &run)
            .await
            .map(|()| "set".to_owned())
    }

    async fn comment(self, github: &GitHub) -> Result<String, NotSet> {
        let number = match self.ci.pull_request {
            Some(number) => Some(number),
            None => github.pull_request_of(self.commit).await?,
        };
        let Some(number) = number else {
            return Ok("left out, for there is no open pull request of this commit:".to_owned());
        };
        let body = self.page(LARGEST_COMMENT);
        github
            .put_comment(number, &self.args.status_context, &body)
            .await?;
        Ok(format!("put on pull request {number}"))
    }

    fn conclusion(self) -> Conclusion {
        match self.told.ended {
            Ok(conclusion) | Err(Failure { conclusion, .. }) => *conclusion,
        }
    }

    fn headline(self) -> String {
        let conclusion = self.conclusion();
        match self.told.news {
            News::Begun(said) => said.to_owned(),
            News::Report(report) => status_line(report, conclusion),
            News::Nothing => format!("{}: {}", conclusion.word(), conclusion.meaning()),
        }
    }

    /// The summary and where to read on.
    fn page(self, largest: usize) -> String {
        let page = match self.told.news {
            News::Report(report) => summary::render(report, largest - FRAME),
            News::Begun(_) | News::Nothing => format!("### {}\n", self.headline()),
        };
        match self.link() {
            Some(link) => format!("{page}\n[The run]({link})\n"),
            None => page,
        }
    }

    /// Where people read more; GitHub refuses a status with another kind of link.
    fn link(&self) -> Option<&str> {
        let url = self.ci.run_url.as_deref()?;
        (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
    }

    /// The attempt of the run: another one has a check run of its own, which GitHub shows in place of this one.
    fn run(self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!(
            "testplan {}.{}",
            part(&self.ci.run_id),
            part(&self.ci.run_attempt)
        )
    }
}

fn in_a_file(annotation: Annotation) -> Option<github::Annotation> {
    let line = annotation.line.unwrap_or(1);
    Some(github::Annotation {
        path: annotation.file?,
        start_line: line,
        end_line: line,
        level: match annotation.level {
            Level::Error => github::Level::Failure,
            Level::Warning => github::Level::Warning,
            Level::Notice => github::Level::Notice,
        },
        title: Some(annotation.title),
        message: annotation.message,
        raw_details: None,
    })
}

/// Token, address and commit, or what of them is missing or wrong.
pub fn target(
    args: &GitHubArgs,
    environment: &Environment,
    ci: &Ci,
    is_action: bool,
) -> Result<(SecretString, Address, String), String> {
    let (Some(token), Some(repository)) = (environment.get(TOKEN), environment.get(REPOSITORY))
    else {
        let missing = [TOKEN, REPOSITORY]
            .into_iter()
            .filter(|name| environment.get(name).is_none());
        let missing: Vec<&str> = missing.collect();
        let cure = if is_action {
            "leave the input github-token out for the job's own token"
        } else {
            "a step of GitHub Actions has them with `env: GITHUB_TOKEN: ${{ github.token }}`"
        };
        return Err(format!("{} not known; {cure}", missing.join(", ")));
    };
    let Some(commit) = args.report_commit.as_ref().or(ci.report_on.as_ref()) else {
        let why = ci.doubts.first().map_or_else(
            || "the event of this step names none; pass --report-commit".to_owned(),
            ToString::to_string,
        );
        return Err(format!("the commit to tell of is not known: {why}"));
    };
    let api = environment.get(API_URL).unwrap_or(github::API);
    let address = Address::new(api, repository).map_err(|error| error.to_string())?;
    Ok((SecretString::from(token.trim()), address, commit.clone()))
}

fn state(conclusion: Conclusion) -> State {
    match conclusion {
        Conclusion::Passed => State::Success,
        Conclusion::Failed => State::Failure,
        Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::NothingToRun
        | Conclusion::Incomplete
        | Conclusion::Bug
        | Conclusion::Interrupted
        | Conclusion::Terminated => State::Error,
    }
}

/// Never neutral or skipped: GitHub takes these for passed.
fn check_conclusion(conclusion: Conclusion) -> CheckConclusion {
    match conclusion {
        Conclusion::Passed => CheckConclusion::Success,
        Conclusion::Interrupted | Conclusion::Terminated => CheckConclusion::Cancelled,
        Conclusion::Failed
        | Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::NothingToRun
        | Conclusion::Incomplete
        | Conclusion::Bug => CheckConclusion::Failure,
    }
}
