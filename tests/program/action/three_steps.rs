//! The reusable workflow's three jobs, each on a machine of its own as far as files go: one starts the plan, a matrix of
//! them works, one reports from the records that artifacts carried over.

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::runner::{Action, Event, Finished, Job, Level, Step};
use crate::support::{PlanFile, Service, Stage, files_below};

/// Tests for each of two systems.
const TESTS: usize = 6;
const TOTAL: usize = 2 * TESTS;

/// A workflow's run: plan, workers, and the folder that their artifacts are downloaded to.
struct Run {
    stage: Stage,
    service: Service,
    action: Action,
    event: Event,
    plan: String,
    /// The capabilities of each worker whose job failed.
    failed: Vec<String>,
}

impl Run {
    /// Every job but the last; `test` is the body of each test, whose name is `$2`.
    fn until_report(test: &str) -> Self {
        let stage = Stage::new();
        let test = stage.script("test.sh", test);
        PlanFile::run_with(&test)
            .numbered("s", TESTS)
            .on_each(&["OS=Linux", "OS=Windows"])
            .on(&stage);
        let mut run = Self {
            service: Service::start(&stage),
            action: Action::ours(),
            event: Event::some_push(),
            plan: String::new(),
            failed: Vec::new(),
            stage,
        };
        run.execute_and_work();
        run
    }

    fn job(&self, name: &str) -> Job {
        Job::new(&self.stage, name, &self.event).checked_out(&self.stage, &self.event.sha)
    }

    fn step<'a>(&'a self, job: &'a Job, command: &str) -> Step<'a> {
        let token = fs::read_to_string(self.service.token_file()).unwrap();
        job.uses(&self.action)
            .with("command", command)
            .with("url", &self.service.url)
            .with("token", token)
    }

    fn execute_and_work(&mut self) {
        let job = self.job("execute");
        let started = self
            .step(&job, "execute")
            .with("tests-per-worker", 3)
            .run()
            .code_is(0);
        assert_eq!(started.output("plan-attempt"), "1", "{started}");
        let matrix: Value = serde_json::from_str(started.output("matrix")).unwrap();
        let entries = matrix["include"].as_array().unwrap();
        assert_eq!(entries.len(), 4, "{started}");
        assert_eq!(started.output("workers"), "4", "{started}");
        let indexes: Vec<_> = entries
            .iter()
            .map(|entry| entry["index"].as_u64())
            .collect();
        assert_eq!(indexes, [1, 2, 3, 4].map(Some), "{started}");

        let jobs: Vec<Job> = (1..=entries.len())
            .map(|number| self.job(&format!("work-{number}")))
            .collect();
        let workers: Vec<_> = jobs
            .iter()
            .zip(entries)
            .map(|(job, entry)| {
                self.step(job, "work")
                    .with("plan-id", started.output("plan-id"))
                    .with("plan-attempt", started.output("plan-attempt"))
                    .with("capabilities", entry["capabilities"].as_str().unwrap())
                    .with("workers", 1)
                    .start()
            })
            .collect();
        let mut failed_jobs = Vec::new();
        for ((job, worker), entry) in jobs.iter().zip(workers).zip(entries) {
            let worker = worker.end();
            // Its own tests decide about a worker's job, so that people find the one that failed.
            let failed = worker.stderr.contains("FAIL");
            let worker = worker.code_is(i32::from(failed));
            self.upload(job, &worker);
            if failed {
                failed_jobs.push(entry["capabilities"].as_str().unwrap().to_owned());
            }
        }
        let plan = started.output("plan-id").to_owned();
        (self.plan, self.failed) = (plan, failed_jobs);
    }

    /// "Re-run failed jobs": those that failed again, with what the first job said in attempt 1.
    fn again(&self) -> Vec<String> {
        let mut said = Vec::new();
        for (number, capabilities) in self.failed.iter().enumerate() {
            let job = self
                .job(&format!("again-{number}"))
                .env("GITHUB_RUN_ATTEMPT", "2");
            let worker = self
                .step(&job, "work")
                .with("plan-id", &self.plan)
                .with("plan-attempt", "1")
                .with("capabilities", capabilities)
                .with("workers", 1)
                .run()
                .code_is(0);
            self.upload(&job, &worker);
            said.push(worker.stderr.clone());
        }
        said
    }

    /// What upload-artifact and download-artifact come to.
    fn upload(&self, job: &Job, worker: &Finished<'_>) {
        let records = PathBuf::from(worker.output("records-path"));
        assert!(records.is_absolute(), "{worker}");
        for file in files_below(&records) {
            let name = file.strip_prefix(&records).unwrap();
            let to = self
                .artifacts()
                .join(job.temp().ancestors().nth(2).unwrap().file_name().unwrap());
            let to = to.join(name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file, to).unwrap();
        }
    }

    fn artifacts(&self) -> PathBuf {
        self.stage.path("artifacts")
    }

    /// The files of records that tell of a result.
    fn telling(&self) -> Vec<PathBuf> {
        let mut files = files_below(&self.artifacts());
        files.retain(|file| fs::read_to_string(file).unwrap().contains("\"ended\""));
        files
    }

    /// The last job: with the service at hand, or from the records alone.
    fn report<'a>(&'a self, job: &'a Job, with_service: bool) -> Finished<'a> {
        let step = if with_service {
            self.step(job, "report").with("plan-id", &self.plan)
        } else {
            job.uses(&self.action).with("command", "report")
        };
        step.with("records", self.artifacts().display())
            .with("commit-status", false)
            .run()
    }
}

fn counts(done: &Finished<'_>) -> [usize; 4] {
    ["total", "passed", "failed", "missing"].map(|name| {
        let count = done.output(name);
        count
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {count:?}: {done}"))
    })
}

/// What no worker will take is seen without opening the log.
#[test]
fn capabilities_without_a_rule_are_a_warning_annotation() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test)
        .numbered("s", 2)
        .on_each(&["OS=Linux", "OS=Windows"])
        .on(&stage);
    let service = Service::start(&stage);
    let action = Action::ours();
    let push = Event::some_push();
    let job = Job::new(&stage, "execute", &push).checked_out(&stage, &push.sha);
    let execute = |rules: &str| {
        let token = fs::read_to_string(service.token_file()).unwrap();
        job.uses(&action)
            .with("command", "execute")
            .with("url", &service.url)
            .with("token", token)
            .with("runs-on", rules)
            .with("title", rules)
            .run()
            .code_is(0)
    };
    let done = execute("OS=Linux: ubuntu-latest");
    let [warning] = done.messages(Level::Warning)[..] else {
        panic!("not one warning: {done}");
    };
    assert!(
        warning.starts_with("2 executions need OS=Windows"),
        "{warning}"
    );
    let done = execute("OS=Linux: ubuntu-latest\nOS=Windows: windows-latest");
    assert_eq!(done.messages(Level::Warning), [""; 0], "{done}");
}

#[test]
fn records_of_all_workers_give_one_verdict() {
    let run = Run::until_report("[ $2 != t4 ]");
    for with_service in [true, false] {
        let job = run.job(&format!("report-{with_service}"));
        let done = run.report(&job, with_service).code_is(1);
        assert_eq!(counts(&done), [TOTAL, TOTAL - 2, 2, 0], "{done}");
        assert_eq!(done.output("conclusion"), "failed");
        assert_eq!(done.output("plan-id"), run.plan);
        let errors = done.messages(Level::Error);
        assert!(!errors.is_empty() && errors.len() <= 2, "{done}");
        for error in done.annotations {
            let text = format!("{error:?}");
            assert!(text.contains("t4"), "{text}");
        }
        assert!(
            done.summary.contains("t4") && done.summary.contains("2 failed"),
            "{}",
            done.summary
        );
        let junit = fs::read_to_string(&done.outputs["junit-path"]).unwrap();
        assert_eq!(junit.matches("<testcase ").count(), TOTAL, "{junit}");
    }
}

#[test]
fn conclusion_is_passed_only_with_every_result() {
    let run = Run::until_report("exit 0");
    let job = run.job("complete");
    let done = run.report(&job, true).code_is(0);
    assert_eq!(counts(&done), [TOTAL, TOTAL, 0, 0], "{done}");
    assert!(done.success);

    // An artifact that was not uploaded.
    let withheld = run.telling().pop().unwrap();
    let gone = fs::read_to_string(&withheld).unwrap();
    fs::remove_file(withheld).unwrap();
    let ended = gone
        .lines()
        .filter(|line| line.contains("\"ended\""))
        .count();
    assert!((1..TOTAL).contains(&ended), "{gone}");
    for with_service in [true, false] {
        let job = run.job(&format!("incomplete-{with_service}"));
        let done = run.report(&job, with_service).code_is(5);
        assert!(!done.success);
        assert_eq!(done.output("conclusion"), "incomplete");
        assert_eq!(counts(&done), [TOTAL, TOTAL - ended, 0, ended], "{done}");
        let missing = format!("{ended} missing");
        assert!(done.summary.contains(&missing), "{}", done.summary);
        assert!(!done.messages(Level::Error).is_empty(), "{done}");
        if with_service {
            named(&run, &done);
        }
    }
}

/// That the summary has each test that no record tells of, and its system.
fn named(run: &Run, done: &Finished<'_>) {
    let told: String = run
        .telling()
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let section = done.summary.split("issing").skip(1).collect::<String>();
    for execution in run.service.executions(run.plan.parse().unwrap()) {
        let id = execution.execution_id.0;
        if !told.contains(&format!("\"execution\":{id},")) {
            let name = format!("{execution:?}");
            let testcase = name
                .split("testcase: \"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            assert!(section.contains(testcase), "{testcase} not in {section}");
        }
    }
}

#[test]
fn failed_jobs_run_again_complete_the_plan_with_just_what_failed() {
    let mut run = Run::until_report("[ $2 != t4 ] || [ -e $(dirname $0)/fixed ]");
    let job = run.job("red");
    let red = run.report(&job, true).code_is(1);
    assert_eq!(counts(&red), [TOTAL, TOTAL - 2, 2, 0], "{red}");
    assert_eq!(
        run.failed.len(),
        2,
        "a test of each system failed, in a job each"
    );

    run.stage.write("fixed", "");
    let said = run.again();
    for worker in &said {
        assert_eq!(worker.matches("PASS").count(), 1, "{worker}");
        assert!(worker.contains("t4"), "{worker}");
    }
    let job = run.job("green").env("GITHUB_RUN_ATTEMPT", "2");
    let green = run.report(&job, true).code_is(0);
    assert_eq!(counts(&green), [TOTAL, TOTAL, 0, 0], "{green}");

    // Nothing is left to do: another try runs no test, and the verdict stays the report's.
    run.failed.truncate(1);
    let job = run.job("once-more").env("GITHUB_RUN_ATTEMPT", "3");
    let done = run
        .step(&job, "work")
        .with("plan-id", &run.plan)
        .with("plan-attempt", "1")
        .with("capabilities", &run.failed[0])
        .run()
        .code_is(0);
    assert!(
        done.stderr.contains("nothing to do: no test was run here"),
        "{done}"
    );
}
