//! `testplan run --managed`: start, wait until Test Center has run everything, take the verdict from its counts.

use std::time::Duration;

use super::{End, Run};
use crate::{
    cli::{
        args::WorkerArgs,
        connect, managed, publishing, reporting,
        results::{ResultsWatch, Seen},
        screen::Screen,
        settings, showing, start,
    },
    client::ClientError,
    clock,
    config::{duration, environment::Environment, precedence::Setting},
    exit_code::Conclusion,
    failure::{Failure, conclusion_of},
    model::Plan,
    signal::Signals,
};

/// How long results are waited for after the last execution, unless somebody says otherwise.
const RESULTS_PATIENCE: Duration = Duration::from_secs(600);

/// Why a wait ended.
enum Ended {
    Results(Seen),
    Service(ClientError),
    Cut(Conclusion),
}

/// Everything but telling GitHub.
pub(super) async fn whole(
    command: &Run,
    environment: &Environment,
    screen: &Screen,
    signals: &mut Signals,
) -> Result<End, Failure> {
    if !connect::names_a_service(&command.service, environment)? {
        return Err(Failure::usage_text(
            "--managed: no service is named, and testplan's own runs no scripts",
        )
        .help("name a Test Center with --url URL or TESTCENTER_URL"));
    }
    let WorkerArgs {
        capabilities,
        workers,
        allocate_server,
        lease,
        deadline,
        grace,
    } = &command.workers;
    for (flag, is_given) in [
        ("--capability", !capabilities.is_empty()),
        ("--workers", workers.is_some()),
        ("--allocate-server", *allocate_server),
        ("--lease", lease.is_some()),
        ("--grace", grace.grace.is_some()),
    ] {
        if is_given {
            return Err(Failure::usage_text(format_args!(
                "--managed and {flag}: Test Center runs the tests, so there is no worker here"
            ))
            .help(format!("leave {flag} out")));
        }
    }
    let config = connect::config(&command.config, environment, screen)?;
    let client = connect::client(&command.service, environment, screen)?;
    let out = settings::folder(&command.out, environment)?;
    connect::make_folder(&out, "--out")?;
    let deadline = connect::chosen(Setting::DEADLINE, *deadline, environment, duration::parse)?;
    let began = clock::wall();
    let starting = async {
        let template = connect::template(&client, &command.template, config.as_ref()).await?;
        let time = managed::start_time(&command.managed, &client, &template, screen)?;
        let start::Started { plan, .. } = start::start(
            &client,
            (&template, config.as_ref()),
            &command.start,
            time,
            environment,
            screen,
        )
        .await?;
        Ok::<_, Failure>((plan, time.unwrap_or_default()))
    };
    let (plan, time) = signals.or_interrupted(starting).await?;
    screen.info(format_args!(
        "plan {} started: {}; Test Center runs it itself from {}",
        plan.id,
        plan.title,
        managed::shown(time)
    ));

    let patience = command.results_patience.unwrap_or(RESULTS_PATIENCE);
    let starts = time.since(managed::now(&plan));
    let mut watch = ResultsWatch::new(&client, plan.id, screen);
    let deadline = async {
        match deadline {
            Some(span) => tokio::time::sleep(span).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        results = watch.results(patience, starts) => match results {
            Ok(seen) => Ended::Results(seen),
            Err(error) => Ended::Service(error),
        },
        () = deadline => Ended::Cut(Conclusion::Incomplete),
        kind = signals.next() => Ended::Cut(conclusion_of(kind)),
    };
    let last = watch.seen;
    let (seen, stopped) = match ended {
        Ended::Results(seen) => (seen, None),
        Ended::Service(error) => {
            let Some(seen) = last else {
                return Err(error.into());
            };
            screen.always(format_args!("error: {error}\nhelp: {}", error.help()));
            (seen, Some(error.conclusion()))
        }
        Ended::Cut(conclusion) => {
            screen.always("Test Center goes on with the plan: it can be stopped only there");
            let Some(seen) = last else {
                screen.conclude(conclusion);
                return Ok(End {
                    ended: Ok(conclusion),
                    report: None,
                    is_stopped: true,
                });
            };
            (seen, Some(conclusion))
        }
    };
    let is_stopped = matches!(
        stopped,
        Some(Conclusion::Interrupted | Conclusion::Terminated)
    );
    let seen_plan = Plan {
        // Test Center may leave out what it was told.
        repositories: start::linked(&command.start, environment)?,
        ..seen.plan
    };
    let ci = connect::ci(environment);
    let mut report = managed::report(&client, seen_plan, seen.status, &ci);
    report.span = Some((began, clock::wall()));
    report.stopped = stopped;
    if command.allow_empty && report.conclusion() == Conclusion::NothingToRun {
        report = report.stopped_by(Conclusion::Passed);
    }
    publishing::note_refusal(
        &mut report,
        &command.github,
        command.comment,
        environment,
        screen,
    );
    let form = reporting::Form {
        profile: command.junit,
        commit: start::tested(&command.start, environment).commit,
    };
    let written = reporting::write_reports(&report, &out, &form);
    screen.report(&report);
    showing::show(&report, &out, command.show, screen);
    Ok(End {
        ended: written.map(|()| report.conclusion()),
        report: Some(report),
        is_stopped,
    })
}
