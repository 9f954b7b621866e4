//! `testplan run`: the whole thing in one process. Without a URL the service is in it too.

use std::time::Duration;

use clap::Args;

use super::{
    args::{ConfigArgs, OutArgs, ServiceArgs, StartArgs, TemplateArgs, WorkerArgs},
    connect,
    embedded::Embedded,
    execute,
    failure::{Ended, Failure},
    plans::{Loaded, Published},
    screen::Screen,
    working::{self, JUnitProfile, Job, Survey},
};
use crate::{
    client::Client, config::environment::Environment, exit_code::Conclusion, model::Capabilities,
    report, signal::Signals,
};

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
    workers: WorkerArgs,
    #[command(flatten)]
    out: OutArgs,
    /// Which JUnit to write.
    #[arg(long, value_enum, default_value_t)]
    junit: JUnitProfile,
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
}

/// How long a run that was stopped waits for the service's word on what is done.
const LAST_WORD: Duration = Duration::from_millis(500);

/// `testplan run`.
pub async fn run(command: Run, environment: &Environment, screen: &Screen) -> Ended {
    let config = connect::config(&command.config, environment, screen)?;
    let Some(config) = config else {
        return Err(Failure::usage_text("there is no testplan.yml here")
            .help("name one with --config FILE; `testplan demo` shows what it can hold"));
    };
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    if connect::names_a_service(&command.service, environment)? {
        let client = connect::client(&command.service, environment, screen)?;
        return on(
            &client,
            &command,
            &config,
            &mut signals,
            environment,
            screen,
        )
        .await;
    }
    let mut published = Published::default();
    tokio::select! {
        added = published.add(&config) => added?,
        kind = signals.next() => return working::cancelled_early(kind, screen),
    }
    std::fs::create_dir_all(&command.out.out).map_err(|error| {
        Failure::usage_text(format_args!("--out {}: {error}", command.out.out.display()))
    })?;
    let embedded = Embedded::start(&command.out.out.join("service.sqlite"), published).await?;
    let ended = on(
        &embedded.client,
        &command,
        &config,
        &mut signals,
        environment,
        screen,
    )
    .await;
    let closed = embedded.close().await;
    let ended = ended?;
    closed.map(|()| ended)
}

async fn on(
    client: &Client,
    command: &Run,
    config: &Loaded,
    signals: &mut Signals,
    environment: &Environment,
    screen: &Screen,
) -> Ended {
    let runner = config.runner()?;
    let started = async {
        let template = connect::template(client, &command.template, Some(config)).await?;
        let plan = execute::start(client, &template, &command.start, environment).await?;
        screen.say(&format!("plan {} started: {}", plan.id, plan.title));
        let survey = Survey::of(client, plan.id).await?;
        Ok::<_, Failure>((plan, survey))
    };
    let (plan, survey) = tokio::select! {
        started = started => started?,
        kind = signals.next() => return working::cancelled_early(kind, screen),
    };
    let id = plan.id;
    let job = Job {
        client: client.clone(),
        plan,
        survey,
        runner: &runner,
        workers: &command.workers,
        out: &command.out.out,
    };
    let end = working::work(job, signals, environment, screen).await?;
    // The service's own word on what is done, where it can still be had; the records tell the rest.
    let asked = async {
        let status = client.status(id, &Capabilities::default()).await.ok();
        (status, client.executions(id).await.ok().flatten())
    };
    let mut cut_short = working::cut_short(&end);
    let (status, executions) = match (&end.service, end.stop) {
        (Some(_), _) => (None, None),
        (None, Some(_)) => tokio::time::timeout(LAST_WORD, asked)
            .await
            .unwrap_or_default(),
        (None, None) => tokio::select! {
            word = asked => word,
            kind = signals.next() => {
                cut_short.get_or_insert(working::cancelled(kind));
                (None, None)
            }
        },
    };
    let paths = working::record_paths(&command.out.out, &[]);
    let mut report = working::merge(&paths, Some(id), status, executions)?;
    if let Some(conclusion) = cut_short {
        report = report.stopped_by(conclusion);
    } else if command.allow_empty && report.conclusion() == Conclusion::NothingToRun {
        report = report.stopped_by(Conclusion::Passed);
    }
    let written = working::write_reports(&report, &command.out.out, command.junit);
    if let Some(error) = &end.service {
        screen.insist(&format!("error: {error}\nhelp: {}", error.help()));
    }
    screen.insist(report::console::final_block(&report, screen.paint()).trim_end());
    written?;
    Ok(report.conclusion())
}
