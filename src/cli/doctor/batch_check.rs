//! `testplan doctor --batch`: runs tests one by one, in batches and in random order, and prints how their verdicts compare.

mod way_runs;

use std::{collections::BTreeSet, time::Duration};

use clap::Args;

use self::way_runs::{RunVerdicts, WayRunner};
use crate::{
    cli::{
        args::{ConfigArgs, OutArgs, OutputFormat, TemplateArgs, WorkerArgs},
        context::Context,
    },
    config::{duration, plan_file::Template, precedence::Setting},
    doctor::batching::{
        BatchCheck, CheckedSet, file_selection, random_order,
        run_modes::{OneMode, RunModes},
        verdicts::{ComparedTest, Verdict},
        way::Way,
    },
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    fs::private_folder,
    listing::{listed_template::ListedTemplate, loaded_plan_file::LoadedPlanFile},
    model::{Capabilities, LabelCase},
    random,
    runner::runner_settings::RunnerSettings,
    signal::Signals,
    store::{PlannedTest, TemplateDefinition},
    text::{counted, format_duration},
};

/// How many tests are run, unless --tests says otherwise.
const TESTS: usize = 50;
/// How long each way may take, unless --time-limit says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Whether tests may share a process.
#[derive(Args, Debug)]
pub(crate) struct BatchCheckArgs {
    /// Check only whether tests may share a process: run them one by one, in batches and in random order, and compare the
    /// verdicts. Asks no service.
    #[arg(
        long,
        help_heading = "Batching",
        conflicts_with_all = [
            "url", "plan_id", "token_file", "allow_http", "ca_cert", "patience", "workers", "allocate_server", "deadline",
            "grace", "commit_status", "check_run", "report_commit", "pr_comment", "status_context", "check_name",
        ]
    )]
    pub(super) batch: bool,
    /// Run at most this many tests, in whole files spread evenly over the list [default: 50].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "batch", help_heading = "Batching")]
    tests: Option<u32>,
    /// Stop each way after this time; what has no verdict one by one is not compared [default: 10m].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "batch", help_heading = "Batching")]
    time_limit: Option<Duration>,
    /// Repeat the random order of this seed [default: another one each time].
    #[arg(long, value_name = "N", requires = "batch", help_heading = "Batching")]
    seed: Option<u64>,
}

/// The flags that it has in common with the other checks.
pub(super) struct SharedFlags<'a> {
    pub(super) config: &'a ConfigArgs,
    pub(super) template: &'a TemplateArgs,
    pub(super) workers: &'a WorkerArgs,
    pub(super) out: &'a OutArgs,
    pub(super) format: OutputFormat,
}

/// `testplan doctor --batch`.
pub(super) async fn run(
    args: &BatchCheckArgs,
    flags: SharedFlags<'_>,
    context: &Context,
) -> CommandResult {
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let check = check(args, &flags, &mut signals, context).await?;
    context
        .screen
        .data(flags.format, || check.text(), || check.json());
    // The words for the exit code are about results of tests, so the recommendation is the last line.
    Ok(check.conclusion())
}

async fn check(
    args: &BatchCheckArgs,
    flags: &SharedFlags<'_>,
    signals: &mut Signals,
    context: &Context,
) -> Result<BatchCheck, Failure> {
    let config = flags.config.required(context)?;
    let (project, title) = flags.template.resolve(Some(&config))?;
    let template = config.template(project, title)?;
    let modes = RunModes::of(&config.runner(Some(template))?).map_err(one_mode)?;
    let listed = signals
        .or_interrupted(list(&config, template, &modes))
        .await?;
    context.screen.listed(&listed);
    let tests = fitting(
        &listed,
        &flags.workers.capabilities.iter().cloned().collect(),
    )?;
    let unfit = listed.definition.executions.len() - tests.len();
    let (listed_tests, listed_files) = (tests.len(), files(&tests));
    let most = args.tests.map_or(TESTS, |most| most as usize);
    let chosen = file_selection::choose(tests, |it| it.test.suite.as_str(), most);
    if chosen.len() == 1 {
        return Err(
            Failure::nothing_to_run("one test is chosen, so there is nothing to compare")
                .help("choose more with --tests, or a template with more tests with --template"),
        );
    }
    let set = CheckedSet {
        template: template.title.clone(),
        listed: listed_tests,
        listed_files,
        unfit,
        chosen: chosen.len(),
        files: 0,
        time_limit: args.time_limit.unwrap_or(TIME_LIMIT),
        seed: match args.seed {
            Some(seed) => seed,
            None => random::number().map_err(Failure::infrastructure)?.into(),
        },
    };
    let scratch = private_folder("testplan-doctor-").map_err(Failure::infrastructure)?;
    let named = context.choose_path(Setting::OUT, flags.out.out.as_ref())?;
    let runner = WayRunner {
        workers: flags.workers,
        named_out: flags.out,
        config: &config,
        context,
        scratch: scratch.path(),
        out: named.unwrap_or_else(|| scratch.path().to_owned()),
        time_limit: set.time_limit,
    };
    let definition = TemplateDefinition {
        executions: chosen,
        ..listed.definition
    };
    compare(&runner, definition, set, modes, signals).await
}

/// Lists the tests of a template. An error, before tests run, if the project lets no process run many of them.
async fn list(
    config: &LoadedPlanFile,
    template: &Template,
    modes: &RunModes,
) -> Result<ListedTemplate, Failure> {
    let of = |runner: &RunnerSettings| Template {
        runner: Some(runner.clone()),
        ..template.clone()
    };
    let refused = match config.list(&of(&modes.batched)).await {
        Ok(listed) => return Ok(listed),
        Err(refused) => refused,
    };
    let has_session = modes.batched.warm().is_some();
    if has_session && config.list(&of(&modes.single)).await.is_ok() {
        return Err(refused.context("there is nothing to compare").help(
            "testplan gives each test a process of its own here; change that setting to let tests share one",
        ));
    }
    Err(refused)
}

/// Runs the tests in each way.
async fn compare(
    runner: &WayRunner<'_>,
    definition: TemplateDefinition,
    mut set: CheckedSet,
    modes: RunModes,
    signals: &mut Signals,
) -> Result<BatchCheck, Failure> {
    let of = |tests: &[PlannedTest]| TemplateDefinition {
        executions: tests.to_vec(),
        ..definition.clone()
    };
    let all = &definition.executions;
    let single = runner
        .run(Way::Single, &modes.single, of(all), signals)
        .await?;
    let tests = single.with_verdict(all);
    if tests.is_empty() {
        return Err(no_verdict(&single, set.time_limit));
    }
    set.files = files(&tests);
    let batched = runner
        .run(Way::Batched, &modes.batched, of(&tests), signals)
        .await?;
    refuse_dead_runner(&tests, &single, &batched)?;
    let mut shuffled = tests.clone();
    random_order::shuffle(&mut shuffled, set.seed);
    let shuffled = runner
        .run(Way::Shuffled, &modes.batched, of(&shuffled), signals)
        .await?;
    let mut compared: Vec<ComparedTest> = tests
        .iter()
        .filter_map(|planned| {
            Some(ComparedTest {
                test: planned.test.clone(),
                required: planned.required.clone(),
                single: single.verdict(planned)?,
                batched: batched.verdict(planned),
                shuffled: shuffled.verdict(planned),
                alone: None,
            })
        })
        .collect();
    let differing: Vec<PlannedTest> = tests
        .iter()
        .zip(&compared)
        .filter(|(_, compared)| compared.differs())
        .map(|(planned, _)| planned.clone())
        .collect();
    if !differing.is_empty() {
        let alone = runner
            .run(Way::Alone, &modes.single, of(&differing), signals)
            .await?;
        for (planned, compared) in tests.iter().zip(&mut compared) {
            compared.alone = alone.verdict(planned);
        }
    }
    Ok(BatchCheck {
        set,
        modes,
        runs: [single.run, batched.run, shuffled.run],
        tests: compared,
    })
}

fn one_mode(why: OneMode) -> Failure {
    let help = match why {
        OneMode::Squish => "without --batch, doctor checks what Squish tests need",
        OneMode::NoTests => {
            "name a preset as the runner (testplan presets), or add the argument \"{tests}\" to `command`"
        }
        OneMode::Server => "take the placeholder out of the runner to let tests share a process",
    };
    Failure::usage(why).help(help)
}

/// The tests that this machine can run.
fn fitting(listed: &ListedTemplate, offered: &Capabilities) -> Result<Vec<PlannedTest>, Failure> {
    if let Some(nothing) = listed.nothing() {
        return Err(Failure::nothing_to_run(nothing).help(listed.nothing_help()));
    }
    let all = &listed.definition.executions;
    let fits = |test: &&PlannedTest| offered.covers(&test.required, LabelCase::Folded);
    let tests: Vec<PlannedTest> = all.iter().filter(fits).cloned().collect();
    if tests.is_empty() {
        let needs: BTreeSet<String> = all.iter().map(|it| it.required.to_string()).collect();
        let needs: Vec<String> = needs.into_iter().take(8).collect();
        return Err(Failure::nothing_to_run(format_args!(
            "each of the {} of template {:?} needs capabilities that are not offered here",
            counted(all.len(), "test"),
            listed.definition.title
        ))
        .help(format!(
            "offer with --capability KEY=VALUE what they need: {}",
            needs.join("; ")
        )));
    }
    Ok(tests)
}

fn files(tests: &[PlannedTest]) -> usize {
    let files: BTreeSet<&str> = tests.iter().map(|it| it.test.suite.as_str()).collect();
    files.len()
}

/// Why no test has a verdict of its own process.
fn no_verdict(single: &RunVerdicts, time_limit: Duration) -> Failure {
    let limit = format_duration(time_limit);
    let mut failure = if single.run.is_cut {
        Failure::infrastructure_text(format_args!(
            "no test ended within the time limit of {limit}"
        ))
        .help("give more time with --time-limit")
    } else {
        Failure::infrastructure_text("no test has a verdict")
            .help("run one test with `testplan run` first")
    };
    failure.conclusion = Conclusion::Incomplete;
    failure
}

/// Refuses a runner with which no test could run: its verdicts agree and mean nothing.
fn refuse_dead_runner(
    tests: &[PlannedTest],
    single: &RunVerdicts,
    batched: &RunVerdicts,
) -> Result<(), Failure> {
    let ran = |run: &RunVerdicts| {
        let mut verdicts = tests.iter().filter_map(|it| run.verdict(it));
        verdicts.any(|verdict| verdict != Verdict::CouldNotRun)
    };
    if ran(single) || ran(batched) {
        return Ok(());
    }
    let why = single
        .first_error
        .as_deref()
        .unwrap_or("no reason is known");
    Err(Failure::infrastructure_text(format_args!(
        "none of {} could run, neither alone nor in batches: {why}",
        counted(tests.len(), "test")
    ))
    .help("get one test to run with `testplan run` first"))
}
