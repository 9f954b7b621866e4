//! Sets the channels of a publication at GitHub.

use std::collections::BTreeSet;

use super::{
    PlanProgress, Publication, PublicationSettings, PublishContext, PublishEvent,
    report_annotations,
    target::{Target, has_token},
    tested_commit::{self, Tested},
};
use crate::{
    ci::{
        Ci,
        github::{
            self, Channel, CheckConclusion, CheckRun, CheckState, CommitStatus, GitHub,
            LARGEST_COMMENT, LARGEST_TEXT, PublishError, StatusState,
        },
    },
    exit_code::Conclusion,
    report::{PlanReport, status_line::status_line, summary},
    text::{short_commit, web_address},
};

/// Heading of the annotation if GitHub refused something.
pub(crate) const NOT_SET: &str = "testplan could not publish to GitHub";
/// Heading of the annotation if the result is not one of the commit.
const NOT_PUBLISHED: &str = "testplan published no result";
/// Bytes of a text that are kept free for the links below the summary.
const FRAME: usize = 2048;

/// Sets the channels and reports what became of them. Needs an installed TLS provider.
pub(crate) async fn publish(
    publication: &Publication<'_>,
    context: PublishContext<'_>,
    report: impl Fn(PublishEvent),
) {
    let settings = publication.settings;
    if settings.channels.is_empty() {
        return;
    }
    let has_report = matches!(publication.progress, PlanProgress::Report(_));
    let target = match context.target(settings) {
        Ok(target) => target,
        Err(why) => {
            return report(PublishEvent::NotSet {
                heading: NOT_SET,
                line: settings.not_set(&why),
                in_report: has_report && context.warns_of_missing_commit(),
            });
        }
    };
    let publisher = Publisher {
        publication,
        context,
        commit: &target.commit,
    };
    if let Some(why) = publisher.refusal() {
        report(PublishEvent::NotSet {
            heading: NOT_PUBLISHED,
            line: settings.not_set(&why),
            in_report: has_report,
        });
        if publication.began_elsewhere
            && let Ok(github) = target.connect(publication.patience)
        {
            publisher.end_pending(&github, report).await;
        }
        return;
    }
    let channels = settings.channels.iter().copied();
    let mut failed = Vec::new();
    match target.connect(publication.patience) {
        Err(why) => failed.extend(channels.map(|channel| (channel, why.clone()))),
        Ok(github) => {
            let each = channels.map(|channel| publisher.set(&github, channel));
            for (channel, answer) in futures_util::future::join_all(each).await {
                match answer {
                    Ok(line) => report(PublishEvent::Set(line)),
                    Err(why) => failed.push((channel, why)),
                }
            }
        }
    }
    for line in github::notices(&target.address, &failed, context.ci.read_only) {
        report(PublishEvent::NotSet {
            heading: NOT_SET,
            line,
            in_report: false,
        });
    }
}

/// Why the result of a report will not be published, for its warnings. [`publish`] decides again.
pub(crate) fn refusal(
    report: &PlanReport,
    settings: &PublicationSettings,
    context: PublishContext<'_>,
) -> Option<String> {
    if settings.channels.is_empty() || settings.report_commit.is_some() {
        return None;
    }
    let why = match context.target(settings) {
        Ok(target) => {
            let tested = tested_by(report, &target.commit);
            tested_commit::refusal(&target.commit, &tested, report.conclusion())?
        }
        Err(why) if context.warns_of_missing_commit() => why,
        Err(_) => return None,
    };
    Some(settings.not_set(&why))
}

/// Compares a commit with what the workers of a report tested. A plan without tests fits every commit.
fn tested_by(report: &PlanReport, commit: &str) -> Tested {
    match report.total {
        0 => Tested::This,
        _ => tested_commit::compare(commit, &report.checkouts),
    }
}

impl PublicationSettings {
    fn not_set(&self, why: &str) -> String {
        let channels: Vec<String> = self.channels.iter().map(ToString::to_string).collect();
        format!("{} not set: {why}", channels.join(", "))
    }
}

impl PublishContext<'_> {
    fn target(self, settings: &PublicationSettings) -> Result<Target, String> {
        let commit = settings.report_commit.as_ref();
        Target::find(commit, self.environment, self.ci, self.is_action)
    }

    /// Whether a report warns that the event names no commit. Without a token no publication is expected.
    fn warns_of_missing_commit(self) -> bool {
        self.ci.report_on.is_none() && has_token(self.environment)
    }
}

/// One publication on one commit.
#[derive(Clone, Copy)]
struct Publisher<'a> {
    publication: &'a Publication<'a>,
    context: PublishContext<'a>,
    commit: &'a str,
}

impl<'a> Publisher<'a> {
    fn ci(self) -> &'a Ci {
        self.context.ci
    }

    /// Why the result must not be shown on the commit.
    fn refusal(self) -> Option<String> {
        let Publication {
            settings, progress, ..
        } = self.publication;
        let tested = match progress {
            _ if settings.report_commit.is_some() => Tested::This,
            PlanProgress::Report(report) => tested_by(report, self.commit),
            // No test has run yet; they would run in this checkout.
            PlanProgress::Started(_) | PlanProgress::NoReport => match self.context.checkout {
                Some(checkout) => {
                    let checkouts = BTreeSet::from([Some(checkout.clone())]);
                    tested_commit::compare(self.commit, &checkouts)
                }
                None => Tested::This,
            },
        };
        tested_commit::refusal(self.commit, &tested, self.publication.conclusion)
    }

    async fn set(
        self,
        github: &GitHub,
        channel: Channel,
    ) -> (Channel, Result<String, PublishError>) {
        let answer = match channel {
            Channel::Status => self.set_status(github).await,
            Channel::CheckRun => self.set_check_run(github).await,
            Channel::Comment => self.set_comment(github).await,
        };
        let place = format!("{}@{}", github.address(), short_commit(self.commit));
        (
            channel,
            answer.map(|what| format!("{channel} {what} on {place}")),
        )
    }

    /// Ends what another job of this run left pending on a commit that gets no result; it would stay pending for ever.
    async fn end_pending(self, github: &GitHub, report: impl Fn(PublishEvent)) {
        let settings = self.publication.settings;
        let description = "no result: tests ran at another commit, or in no checkout".to_owned();
        let run = self.ci().run_url.as_deref().unwrap_or_default();
        let run = run.split("/attempts/").next().unwrap_or(run);
        let mut failed = Vec::new();
        if settings.channels.contains(&Channel::Status) {
            let status = self.commit_status(StatusState::Error, description.clone());
            let ended = github.end_pending(self.commit, &status, run).await;
            failed.extend(ended.err().map(|why| (Channel::Status, why)));
        }
        if settings.channels.contains(&Channel::CheckRun) {
            let check = CheckRun {
                name: settings.check_name.clone(),
                external_id: self.run_attempt(),
                state: CheckState::Completed(CheckConclusion::Cancelled),
                summary: description.clone(),
                title: description,
                text: None,
                annotations: Vec::new(),
            };
            let ended = github.end_check_run(self.commit, &check).await;
            failed.extend(ended.err().map(|why| (Channel::CheckRun, why)));
        }
        for line in github::notices(github.address(), &failed, self.ci().read_only) {
            report(PublishEvent::PendingStays(line));
        }
    }

    fn commit_status(self, state: StatusState, description: String) -> CommitStatus {
        CommitStatus {
            state,
            context: self.publication.settings.status_context.clone(),
            description,
            target_url: self.plan_page().or(self.run_page()).map(str::to_owned),
        }
    }

    async fn set_status(self, github: &GitHub) -> Result<String, PublishError> {
        let state = match self.publication.progress {
            PlanProgress::Started(_) => StatusState::Pending,
            PlanProgress::Report(_) | PlanProgress::NoReport => state(self.publication.conclusion),
        };
        let status = self.commit_status(state, self.headline());
        github.set_status(self.commit, &status).await?;
        Ok(format!("{state} set"))
    }

    async fn set_check_run(self, github: &GitHub) -> Result<String, PublishError> {
        let conclusion = self.publication.conclusion;
        let (state, marks) = match self.publication.progress {
            PlanProgress::Started(_) => (CheckState::InProgress, Vec::new()),
            PlanProgress::NoReport => (
                CheckState::Completed(check_conclusion(conclusion)),
                Vec::new(),
            ),
            PlanProgress::Report(report) => (
                CheckState::Completed(check_conclusion(conclusion)),
                report_annotations::of_report(report, self.context.workspace),
            ),
        };
        let annotations = marks
            .into_iter()
            .filter_map(report_annotations::in_check_run);
        let run = CheckRun {
            name: self.publication.settings.check_name.clone(),
            external_id: self.run_attempt(),
            state,
            title: self.headline(),
            summary: self.page(LARGEST_TEXT),
            text: None,
            annotations: annotations.collect(),
        };
        github.put_check_run(self.commit, &run).await?;
        Ok("set".to_owned())
    }

    async fn set_comment(self, github: &GitHub) -> Result<String, PublishError> {
        let number = match self.ci().pull_request {
            Some(number) => Some(number),
            None => github.pull_request_of(self.commit).await?,
        };
        let Some(number) = number else {
            return Ok("skipped: no open pull request for this commit,".to_owned());
        };
        let body = self.page(LARGEST_COMMENT);
        let context = &self.publication.settings.status_context;
        github.put_comment(number, context, &body).await?;
        Ok(format!("set on pull request {number}"))
    }

    fn headline(self) -> String {
        let conclusion = self.publication.conclusion;
        match self.publication.progress {
            PlanProgress::Started(headline) => headline.to_owned(),
            PlanProgress::Report(report) => status_line(report, conclusion),
            PlanProgress::NoReport => format!("{}: {}", conclusion.word(), conclusion.meaning()),
        }
    }

    /// The summary with a link to the run.
    fn page(self, largest: usize) -> String {
        let page = match self.publication.progress {
            PlanProgress::Report(report) => summary::render(report, largest - FRAME),
            PlanProgress::Started(_) | PlanProgress::NoReport => {
                format!("### {}\n", self.headline())
            }
        };
        let links = [("The plan", self.plan_page()), ("The run", self.run_page())];
        let links = links
            .into_iter()
            .filter_map(|(name, link)| Some(format!("[{name}]({})", link?)));
        let links: Vec<String> = links.collect();
        if links.is_empty() {
            page
        } else {
            format!("{page}\n{}\n", links.join(" · "))
        }
    }

    /// The page of the run.
    fn run_page(self) -> Option<&'a str> {
        web_address(self.ci().run_url.as_deref()?)
    }

    /// The page of the plan at the service.
    fn plan_page(self) -> Option<&'a str> {
        web_address(self.publication.plan_page.as_deref()?)
    }

    /// Identifies the attempt of the run: another attempt has a check run of its own, which GitHub shows instead.
    fn run_attempt(self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let Ci {
            run_id,
            run_attempt,
            ..
        } = self.ci();
        format!("testplan {}.{}", part(run_id), part(run_attempt))
    }
}

fn state(conclusion: Conclusion) -> StatusState {
    match conclusion {
        Conclusion::Passed => StatusState::Success,
        Conclusion::Failed => StatusState::Failure,
        Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::NothingToRun
        | Conclusion::Incomplete
        | Conclusion::Bug
        | Conclusion::Interrupted
        | Conclusion::Terminated => StatusState::Error,
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
