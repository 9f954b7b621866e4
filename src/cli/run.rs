//! `testplan run`: the whole thing in one process. Without a URL the service is in it too.

mod managed;

use std::time::Duration;

use clap::Args;

use super::{
    args::{
        CommentArgs, ConfigArgs, GitHubArgs, OutArgs, ServiceArgs, ShowArgs, StartArgs,
        TemplateArgs, UploadArgs, WorkerArgs,
    },
    connect,
    embedded::Embedded,
    in_hand,
    leftovers::{self, Over},
    list::NOTHING_HELP,
    managed::ManagedArgs,
    plans::{Loaded, Published},
    publishing,
    reporting::{self, JUnitProfile},
    screen::Screen,
    settings::{self, Working},
    showing, squish, start,
    working::{self, Job},
};
use crate::{
    ci::github::Patience,
    client::Client,
    config::{duration, environment::Environment},
    exit_code::Conclusion,
    failure::{CommandResult, Failure, command_conclusion},
    model::{Capabilities, DiscoveryAccount, PlanId},
    publication::Publication,
    report::PlanReport,
    run::{RunEnd, state::Stop},
    runner::settings::RunnerSettings,
    signal::Signals,
};

/// How long a run that was stopped waits for the service's word on what is done.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How long it waits for GitHub then: a CI that cancels a job kills it within ten seconds.
const LAST_STATUS: Duration = Duration::from_secs(3);

/// Looks up, executes, works, waits and reports.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    managed: ManagedArgs,
    /// How long results may take to come after the last execution of --managed; what has none by then is missing (exit
    /// code 5) [default: 10m].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "managed", help_heading = "Test Center runs the tests")]
    results_patience: Option<Duration>,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    out: OutArgs,
    /// Which JUnit to write.
    #[arg(long, value_enum, default_value_t)]
    junit: JUnitProfile,
    /// Accept a plan without tests, or of skipped ones alone (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    github: GitHubArgs,
    #[command(flatten)]
    comment: CommentArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// `testplan run`.
pub async fn run(command: Run, environment: &Environment, screen: &Screen) -> CommandResult {
    leftovers::remove_results(&settings::folder(&command.out, environment)?)?;
    publishing::check(&command.github)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let end = if command.managed.managed {
        managed::whole(&command, environment, screen, &mut signals).await
    } else {
        whole(&command, environment, screen, &mut signals).await
    };
    let end = end.unwrap_or_else(|failure| End {
        is_stopped: failure.is_interrupt(),
        ended: Err(failure),
        report: None,
    });
    conclude(&command, end, &mut signals, environment, screen).await
}

/// Everything but publishing to GitHub.
async fn whole(
    command: &Run,
    environment: &Environment,
    screen: &Screen,
    signals: &mut Signals,
) -> Result<End, Failure> {
    let Some(config) = connect::config(&command.config, environment, screen)? else {
        return Err(Failure::usage_text("there is no testplan.yml here")
            .help("name one with --config FILE; `testplan demo` shows what it can hold"));
    };
    let runner = squish::located(config.runner()?, environment)?;
    let working = Working::choose(&command.workers, &command.out, Some(&runner), environment)?
        .uploading(command.upload.upload);
    let alone = !connect::names_a_service(&command.service, environment)?;
    let session = Session {
        command,
        config: &config,
        runner: &runner,
        working: &working,
        environment,
        screen,
        alone,
        discovery: None,
    };
    connect::make_folder(&working.out, "--out")?;
    if !alone {
        let client = connect::client(&command.service, environment, screen)?;
        return session.go(&client, signals).await;
    }
    squish::has_servers(&config)?;
    let (project, title) = connect::named_template(&command.template, Some(&config))?;
    let template = config.template(project, title)?;
    let discovered = signals.or_interrupted(config.discover(template)).await?;
    discovered.warn(screen);
    if let Some(nothing) = discovered.nothing().filter(|_| !command.allow_empty) {
        return Err(Failure::nothing_to_run(nothing).help(format!(
            "{NOTHING_HELP}; --allow-empty accepts a plan without tests"
        )));
    }
    let session = Session {
        discovery: discovered.recorded(),
        ..session
    };
    let mut published = Published::default();
    published.add_one(discovered.definition, &config);
    let embedded = Embedded::start(&working.out.join("service.sqlite"), published).await?;
    let end = session.go(&embedded.client, signals).await;
    let closed = embedded.close().await;
    let mut end = end?;
    end.ended = end.ended.and_then(|conclusion| closed.map(|()| conclusion));
    Ok(end)
}

/// Publishes to GitHub, once nothing else can change the conclusion.
async fn conclude(
    command: &Run,
    end: End,
    signals: &mut Signals,
    environment: &Environment,
    screen: &Screen,
) -> CommandResult {
    let patience = Patience::default();
    let near = connect::config_folder(&command.config, environment);
    let comment = command.comment.pr_comment;
    let publication = Publication {
        settings: &publishing::settings(&command.github, comment, screen.step().is_action()),
        progress: end.report.as_ref().into(),
        began_elsewhere: false,
        conclusion: command_conclusion(&end.ended),
        patience: if end.is_stopped {
            Patience {
                total: LAST_STATUS,
                ..patience
            }
        } else {
            patience
        },
    };
    tokio::select! {
        // No warning if everything is published, or nothing was to be.
        biased;
        () = publishing::publish(&publication, near.as_deref(), environment, screen) => {}
        _ = signals.next() => publishing::warn_interrupted(screen),
    }
    end.ended
}

/// How a session ended.
struct End {
    ended: CommandResult,
    /// What was reported; `None` if it was stopped before there was anything to report.
    report: Option<PlanReport>,
    /// Whether a signal stopped it.
    is_stopped: bool,
}

/// One `testplan run`, once its service is there.
struct Session<'a> {
    command: &'a Run,
    config: &'a Loaded,
    runner: &'a RunnerSettings,
    working: &'a Working,
    environment: &'a Environment,
    screen: &'a Screen,
    /// The service is in this process, so that nobody else can come to the plan.
    alone: bool,
    /// What became of the lines of the plan's listings, where they were run here.
    discovery: Option<DiscoveryAccount>,
}

impl Session<'_> {
    async fn go(&self, client: &Client, signals: &mut Signals) -> Result<End, Failure> {
        let start::Started {
            plan,
            discovery,
            clock_ahead_ms,
        } = signals.or_interrupted(self.start(client)).await?;
        let id = plan.id;
        leftovers::forget_plans(&self.working.out, id, Over::Left);
        let job = Job {
            client: client.clone(),
            // A service in this process has this machine's clock.
            clock_ahead_ms: clock_ahead_ms.filter(|_| !self.alone),
            plan,
            discovery: self.discovery.clone().or(discovery),
            runner: self.runner,
            working: self.working,
            alone: self.alone,
        };
        let end = working::work(job, signals, self.environment, self.screen).await?;
        self.report(client, id, &end).await
    }

    async fn start(&self, client: &Client) -> Result<start::Started, Failure> {
        let template = in_hand::template(client, &self.command.template, Some(self.config)).await?;
        // The service in this process has the tests of this file already.
        let config = (!self.alone).then_some(self.config);
        let started = start::start(
            client,
            (&template, config),
            &self.command.start,
            None,
            self.environment,
            self.screen,
        )
        .await?;
        self.screen.info(format_args!(
            "plan {} started: {}",
            started.plan.id, started.plan.title
        ));
        Ok(started)
    }

    async fn report(&self, client: &Client, plan: PlanId, end: &RunEnd) -> Result<End, Failure> {
        // The service's own word on what is done, where it can still be had in time; the records tell the rest.
        let asked = async {
            let status = client.status(plan, &Capabilities::default()).await.ok();
            let executions = client.executions(plan).await.ok().flatten();
            // Who lists executions needs no counts.
            let counts = match executions {
                None => client.plan(plan).await.ok(),
                Some(_) => None,
            };
            (status, executions, counts)
        };
        let (status, executions, counts) = match (&end.service, end.stop) {
            (Some(_), _) => (None, None, None),
            (None, Some(Stop::Signal(_) | Stop::Deadline)) => {
                tokio::time::timeout(LAST_WORD, asked)
                    .await
                    .unwrap_or_default()
            }
            (None, None | Some(Stop::Starved)) => asked.await,
        };
        let out = &self.working.out;
        let mut report = reporting::merge(
            &reporting::record_paths(out, &[]),
            Some(plan),
            status,
            executions,
        )?;
        if let Some(counts) = &counts {
            report.hold_against(counts);
        }
        if let Some(conclusion) = working::cut_short(end) {
            report = report.stopped_by(conclusion);
        } else if self.command.allow_empty && report.conclusion() == Conclusion::NothingToRun {
            report = report.stopped_by(Conclusion::Passed);
        }
        let Run {
            github, comment, ..
        } = self.command;
        publishing::note_refusal(&mut report, github, *comment, self.environment, self.screen);
        let form = reporting::Form {
            profile: self.command.junit,
            commit: (self.command.start.commit.clone())
                .or_else(|| report.commit())
                .or_else(|| {
                    let tested = start::tested(&self.command.start, self.environment);
                    tested.commit.filter(|_| report.checkouts.is_empty())
                }),
        };
        let written = reporting::write_reports(&report, out, &form);
        working::tell_the_end(end, self.screen);
        if !self.alone {
            working::tell_of_what_stays(end, &self.working.offered, self.screen);
        }
        self.screen.report(&report);
        showing::show(&report, out, self.command.show, self.screen);
        Ok(End {
            ended: written.map(|()| report.conclusion()),
            report: Some(report),
            is_stopped: matches!(end.stop, Some(Stop::Signal(_))),
        })
    }
}
