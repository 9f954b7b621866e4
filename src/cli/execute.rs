//! `testplan execute`: look a template up, start a plan for the commit under test, say which workers it needs.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::{
    args::{ConfigArgs, Format, GitHubArgs, ServiceArgs, StartArgs, TemplateArgs},
    connect, in_hand,
    managed::{self, ManagedArgs},
    matrix::{
        self, Entry, MOST_JOBS, Sized, Sizing, WorkerSet,
        secrets::Secrets,
        survey::{foreseen, survey, too_many},
    },
    plans::Loaded,
    publishing, rerun,
    screen::Screen,
    start,
};
use crate::{
    api::EXECUTION,
    ci::{Ci, github::Patience},
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure, command_conclusion},
    model::{Capabilities, Plan, PlanId, PlanStatus, Timestamp},
    publication::{Progress, Publication, outputs::StepOutput},
};

/// Largest matrix, in bytes of UTF-16: GitHub's limit for all outputs of a job, with room for the others.
const LARGEST_OUTPUT: usize = 900_000;

/// Looks a template up and starts a plan.
#[derive(Args, Debug)]
pub struct Execute {
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
    /// A worker set of the matrix, what it offers and where it runs, as `OS=Linux, browser=chrome: self-hosted, linux`;
    /// repeat for more [default: a set for each need of the plan, on GitHub's runners].
    #[arg(
        long,
        value_name = "CAPABILITIES: LABELS",
        conflicts_with = "managed",
        help_heading = "Matrix"
    )]
    runs_on: Vec<WorkerSet>,
    /// One worker of the matrix for every so many open executions, up to `--max-workers`.
    #[arg(long, value_name = "N", default_value = "25", conflicts_with = "managed", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Matrix")]
    tests_per_worker: u32,
    /// Most workers of the matrix for one worker set.
    #[arg(long, value_name = "N", default_value = "4", conflicts_with = "managed", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Matrix")]
    max_workers: u32,
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    github: GitHubArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A plan that was started, and the workers that it needs.
#[derive(Debug)]
pub struct Started {
    /// The plan.
    pub plan: Plan,
    /// Where it stands in the service's API.
    pub plan_url: String,
    /// The attempt of the CI's run that started it, where the CI counts them.
    pub plan_attempt: Option<u32>,
    /// When Test Center starts to run it itself, if it does.
    pub handed_over: Option<Timestamp>,
    /// How far it is.
    pub status: PlanStatus,
    /// One entry per worker.
    pub matrix: Vec<Entry>,
    /// Open executions that no worker set covers; `None` where the service cannot tell.
    pub uncovered: Option<u64>,
    /// Open executions by worker set, also of those without work.
    pub loads: Vec<(WorkerSet, u64)>,
    /// What people should know, one line each; it was said on stderr.
    pub warnings: Vec<String>,
}

impl Started {
    /// How many workers there are to be.
    pub fn workers(&self) -> usize {
        self.matrix.len()
    }

    /// For `strategy.matrix`.
    pub fn matrix_json(&self) -> Value {
        json!({ "include": self.matrix })
    }

    /// All of it for programs.
    pub fn json(&self) -> Value {
        json!({
            "schema": 1,
            "plan_id": self.plan.id,
            "plan_url": self.plan_url,
            "plan_attempt": self.plan_attempt,
            "title": self.plan.title,
            "batch": self.plan.batch,
            "managed": self.handed_over.is_some(),
            "starts": self.handed_over,
            "open": self.status.open,
            "uncovered": self.uncovered,
            "workers": self.workers(),
            "matrix": self.matrix_json(),
        })
    }

    fn text(&self) -> String {
        let Plan {
            id, title, batch, ..
        } = &self.plan;
        let mut text = format!("plan {id} started: {title}\nbatch {batch}\n");
        if let Some(time) = self.handed_over {
            let time = managed::shown(time);
            let _ = writeln!(text, "Test Center runs it itself from {time}");
        }
        for (set, open) in &self.loads {
            let workers = self.matrix.iter().filter(|entry| {
                (entry.capabilities == set.lines()) && (entry.runs_on == set.runs_on)
            });
            let _ = writeln!(
                text,
                "{open:>6} executions for {}, {} workers on {}",
                set.capabilities,
                workers.count(),
                set.runs_on.join(", ")
            );
        }
        text
    }

    /// Whether anybody is going to come back with a result.
    fn is_under_way(&self) -> bool {
        !self.matrix.is_empty() || self.status.reserved > 0 || self.handed_over.is_some()
    }

    /// One line for GitHub: at most its 140 characters, and no text of others.
    fn headline(&self) -> String {
        let (plan, open, workers) = (self.plan.id, self.status.open, self.workers());
        if self.handed_over.is_some() {
            return format!("plan {plan} is in the hands of Test Center: {open} open executions");
        }
        format!("plan {plan} is under way: {open} open executions for {workers} workers")
    }

    fn outputs(&self, screen: &Screen) {
        screen.output(StepOutput::PlanUrl, &self.plan_url);
        if let Some(attempt) = self.plan_attempt {
            screen.output(StepOutput::PlanAttempt, attempt);
        }
        screen.output(StepOutput::Matrix, self.matrix_json());
        screen.output(StepOutput::Workers, self.workers());
        screen.output(StepOutput::Total, self.status.total());
    }

    /// Why there is nothing to do, if there is nothing.
    fn nothing_to_do(&self) -> Option<String> {
        let plan = self.plan.id;
        let PlanStatus {
            open,
            reserved,
            done,
        } = self.status;
        if !self.matrix.is_empty() || self.handed_over.is_some() {
            return None;
        }
        let why = match (open, reserved, done) {
            (0, 0, 0) => format!("plan {plan} has no executions"),
            (0, 0, done) => format!("all {done} executions of plan {plan} are done"),
            (0, reserved, _) => {
                format!("{reserved} executions of plan {plan} are at work, none is open")
            }
            (open, ..) => {
                format!("no worker set covers any of the {open} open executions of plan {plan}")
            }
        };
        Some(format!("nothing to do: {why}"))
    }
}

/// `testplan execute`.
pub async fn run(command: Execute, environment: &Environment, screen: &Screen) -> CommandResult {
    publishing::check(&command.github)?;
    let started = perform(&command, environment, screen).await;
    let (begun, ended) = match started {
        Ok(started) => (
            // What others finished is for the report to judge.
            (started.is_under_way() || started.status.done > 0).then(|| started.headline()),
            conclude(&command, &started, screen),
        ),
        Err(failure) => (None, Err(failure)),
    };
    let near = connect::config_folder(&command.config, environment);
    let publication = Publication {
        settings: &publishing::settings(&command.github, None, false),
        progress: match (&begun, &ended) {
            (Some(begun), Ok(_)) => Progress::Started(begun),
            // No worker will run it, so no later command publishes its end.
            _ => Progress::NoReport,
        },
        began_elsewhere: false,
        conclusion: command_conclusion(&ended),
        patience: Patience::default(),
    };
    publishing::publish(&publication, near.as_deref(), environment, screen).await;
    ended
}

/// Starts the plan and sizes its matrix; says what people should know on stderr, and prints nothing.
pub async fn perform(
    command: &Execute,
    environment: &Environment,
    screen: &Screen,
) -> Result<Started, Failure> {
    let client = connect::client(&command.service, environment, screen)?;
    screen.step().check_outputs().map_err(|error| {
        Failure::usage_text(format_args!(
            "the file of GITHUB_OUTPUT cannot be written: {error}"
        ))
        .help("let the runner set GITHUB_OUTPUT, or leave it unset")
    })?;
    distinct(&command.runs_on)?;
    if command.runs_on.len() > MOST_JOBS {
        return Err(too_many(command.runs_on.len()));
    }
    let secrets = Secrets::of(
        client.endpoint(),
        connect::found_credentials(command.service.token_file.as_deref(), environment)?,
    );
    secrets.refuse(&command.runs_on)?;
    let config = connect::config(&command.config, environment, screen)?;
    let template = in_hand::template(&client, &command.template, config.as_ref()).await?;
    let handed_over = managed::start_time(&command.managed, &client, &template, screen)?;
    if command.runs_on.is_empty() && handed_over.is_none() && client.is_ours() == Some(true) {
        secrets.refuse(&foreseen(needs(config.as_ref(), &template.title))?)?;
    }
    let start = &command.start;
    let template = (&template, config.as_ref());
    let start::Started { plan, .. } =
        start::start(&client, template, start, handed_over, environment, screen).await?;
    let plan_url = format!("{}{EXECUTION}/testplans/{}", client.endpoint(), plan.id);
    let plan_attempt = rerun::attempt(&Ci::detect(environment.lookup()));
    if handed_over.is_some() {
        return Ok(Started {
            status: client.status(plan.id, &Capabilities::default()).await?,
            plan_url,
            plan_attempt,
            plan,
            handed_over,
            matrix: Vec::new(),
            uncovered: None,
            loads: Vec::new(),
            warnings: Vec::new(),
        });
    }
    let survey = survey(&client, plan.id, &command.runs_on).await?;
    let sets: Vec<WorkerSet> = survey.loads.iter().map(|(set, _)| set.clone()).collect();
    secrets.refuse(&sets)?;
    let sizing = Sizing {
        tests_per_worker: command.tests_per_worker,
        max_workers: command.max_workers,
    };
    let Sized { entries, wanted } =
        matrix::sized(&survey.loads, sizing).ok_or_else(|| too_many(sets.len()))?;
    let mut warnings = survey.warnings;
    if wanted > entries.len() {
        warnings.push(format!(
            "{wanted} workers are wanted, and a matrix has at most {MOST_JOBS} jobs: each worker gets more to do"
        ));
    }
    fits_an_output(&entries, plan.id)?;
    let started = Started {
        plan_url,
        plan_attempt,
        plan,
        handed_over,
        status: survey.status,
        matrix: entries,
        uncovered: survey.uncovered,
        loads: survey.loads,
        warnings,
    };
    for warning in &started.warnings {
        screen.warn(format_args!("{warning}"));
        publishing::annotate("testplan's matrix", warning, screen);
    }
    Ok(started)
}

/// Prints what was started and gives the exit code: not 0 if there is nothing that these workers could do.
pub fn conclude(command: &Execute, started: &Started, screen: &Screen) -> CommandResult {
    screen.data(command.format, || started.text(), || started.json());
    started.outputs(screen);
    let Some(nothing) = started.nothing_to_do() else {
        return Ok(Conclusion::Passed);
    };
    let PlanStatus { open, .. } = started.status;
    if open > 0 {
        return Err(Failure::nothing_to_run(nothing)
            .help("offer what they need with --runs-on 'CAPABILITIES: RUNNER LABELS'"));
    }
    if started.status.total() == 0 && !command.allow_empty {
        return Err(Failure::nothing_to_run(nothing)
            .help("look at the template's tests, or pass --allow-empty"));
    }
    screen.always(&nothing);
    Ok(Conclusion::Passed)
}

/// What the executions of a template need by the file in hand; nothing where the file does not have it.
fn needs<'a>(config: Option<&'a Loaded>, template: &str) -> impl Iterator<Item = &'a Capabilities> {
    let templates = config.into_iter().flat_map(|config| &config.file.templates);
    let mut named = templates.filter(|it| it.title == template);
    named.next().into_iter().flat_map(|it| &it.configurations)
}

/// GitHub drops the outputs of a job beyond 1 MB, which it counts in UTF-16, and the matrix would be empty.
fn fits_an_output(entries: &[Entry], plan: PlanId) -> Result<(), Failure> {
    let matrix = json!({ "include": entries }).to_string();
    let bytes = matrix.encode_utf16().count() * 2;
    if bytes <= LARGEST_OUTPUT {
        return Ok(());
    }
    Err(Failure::infrastructure(anyhow::anyhow!(
        "plan {plan} was started, but its matrix of {} workers has {bytes} bytes in UTF-16, and GitHub loses the outputs of \
         a job beyond 1 MB",
        entries.len()
    ))
    .help("ask for fewer workers (--max-workers, --tests-per-worker), or shorten capabilities and runner labels"))
}

/// Two lines for the same workers would share their work between them at random.
fn distinct(sets: &[WorkerSet]) -> Result<(), Failure> {
    for (index, set) in sets.iter().enumerate() {
        let same =
            |other: &&WorkerSet| other.covers(&set.capabilities) && set.covers(&other.capabilities);
        if let Some(other) = sets[..index].iter().find(same) {
            return Err(Failure::usage_text(format_args!(
                "--runs-on '{set}': there is '{other}' already for the same capabilities"
            ))
            .help(
                "name each set of capabilities once, with all labels that its runners must have",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlanKind, Timestamp};

    fn started(open: u64, reserved: u64, done: u64, matrix: Vec<Entry>) -> Started {
        Started {
            plan: Plan {
                id: PlanId(7),
                kind: PlanKind::Instance,
                project: "p".to_owned(),
                title: "T".to_owned(),
                description: String::new(),
                batch: "b".to_owned(),
                tags: Vec::new(),
                repositories: Vec::new(),
                planned: None,
                server_time: Timestamp(0),
                passes: 0,
                failed: 0,
                skipped: 0,
                count: 0,
            },
            plan_url: String::new(),
            plan_attempt: None,
            handed_over: None,
            status: PlanStatus {
                open,
                reserved,
                done,
            },
            matrix,
            uncovered: None,
            loads: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_matrix_that_github_would_lose_is_an_error() {
        let entry = |length: usize| Entry {
            name: "ä".repeat(length),
            runs_on: Vec::new(),
            capabilities: String::new(),
            worker: 1,
            index: 1,
            open: 1,
        };
        let rest = json!({ "include": [entry(0)] }).to_string().len();
        let most = LARGEST_OUTPUT / 2 - rest;
        assert!(fits_an_output(&[entry(most)], PlanId(7)).is_ok());
        let error = fits_an_output(&[entry(most + 1)], PlanId(7)).unwrap_err();
        assert_eq!(error.conclusion, Conclusion::Infrastructure);
        assert!(error.to_string().contains("--max-workers"), "{error}");
    }

    #[test]
    fn an_empty_matrix_is_explained() {
        for (counts, said) in [
            ((0, 0, 0), "nothing to do: plan 7 has no executions"),
            (
                (0, 0, 5),
                "nothing to do: all 5 executions of plan 7 are done",
            ),
            (
                (0, 2, 5),
                "nothing to do: 2 executions of plan 7 are at work, none is open",
            ),
            (
                (3, 2, 5),
                "nothing to do: no worker set covers any of the 3 open executions of plan 7",
            ),
        ] {
            let (open, reserved, done) = counts;
            let started = started(open, reserved, done, Vec::new());
            assert_eq!(started.nothing_to_do().as_deref(), Some(said));
            assert_eq!(started.matrix_json(), json!({ "include": [] }));
            assert_eq!(started.json()["workers"], 0);
            // Nobody would come to take a pending status back.
            assert_eq!(started.is_under_way(), reserved > 0);
        }
        let entry = Entry {
            name: "any 1/1".to_owned(),
            runs_on: vec!["x".to_owned()],
            capabilities: String::new(),
            worker: 1,
            index: 1,
            open: 3,
        };
        assert_eq!(started(3, 0, 0, vec![entry]).nothing_to_do(), None);
    }
}
