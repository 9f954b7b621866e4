//! Inputs: both spellings of their variables, lists, and mistakes in the words of the flags.

use super::runner::{Action, Event, Finished, Job, Level};
use crate::support::{PlanFile, Service, Stage, Tap};

fn job(stage: &Stage, name: &str) -> Job {
    let push = Event::some_push();
    Job::new(stage, name, &push).checked_out(stage, &push.sha)
}

fn plan(stage: &Stage, tests: usize) {
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", tests).on(stage);
}

fn token(service: &Service) -> String {
    std::fs::read_to_string(service.token_file()).unwrap()
}

fn matrix(done: &Finished<'_>) -> serde_json::Value {
    serde_json::from_str(done.output("matrix")).unwrap_or_else(|error| panic!("{error}: {done}"))
}

#[test]
fn an_input_is_found_by_either_name_and_the_runners_own_comes_first() {
    let stage = Stage::new();
    plan(&stage, 6);
    let service = Service::start(&stage);
    let action = Action::ours();
    let job = job(&stage, "j");
    let workers = |hyphens: &str, underscores: &str| {
        let step = job
            .uses(&action)
            .with("command", "execute")
            .with("url", &service.url)
            .with("token", token(&service))
            .with("tests-per-worker", 1)
            .with("title", format!("{hyphens}-{underscores}"));
        let step = match hyphens {
            "" => step,
            number => step.with("max-workers", number),
        };
        let done = step.env("INPUT_MAX_WORKERS", underscores).run().code_is(0);
        let count = matrix(&done)["include"].as_array().unwrap().len();
        assert_eq!(done.output("workers"), count.to_string(), "{done}");
        count
    };
    assert_eq!(workers("3", ""), 3);
    assert_eq!(workers("", "2"), 2);
    assert_eq!(workers("  \n", "2"), 2);
    assert_eq!(workers(" 3\n", "2"), 3);
    assert_eq!(workers("", ""), 4, "its default");
}

#[test]
fn a_list_has_one_item_per_line() {
    let stage = Stage::new();
    plan(&stage, 1);
    let service = Service::start(&stage);
    let tap = Tap::before(&service);
    let action = Action::ours();
    let job = job(&stage, "j");
    job.uses(&action)
        .with("command", "execute")
        .with("url", &tap.url)
        .with("token", token(&service))
        .with("linked-repos", "3=main\r\n\n  4=feature/a b  \n5\n")
        .run()
        .code_is(0);
    let asked = tap.requests();
    let sha = &Event::some_push().sha;
    let linked = format!(
        r#"[{{"id":3,"branch":"main"}},{{"id":4,"branch":"feature/a b"}},{{"id":5,"branch":"{sha}"}}]"#
    );
    assert!(asked.contains(&linked), "{linked} not in {asked}");
}

/// The step ends as the command line does, with its words in an annotation.
#[test]
fn input_error_names_the_flag() {
    let stage = Stage::new();
    plan(&stage, 1);
    let action = Action::ours();
    let job = job(&stage, "j");
    for (command, input, value, flag) in [
        ("run", "workers", "0", "--workers=0"),
        ("run", "workers", "many", "--workers=many"),
        ("run", "lease", "1 parsec", "--lease=1 parsec"),
        ("run", "deadline", "-5m", "--deadline=-5m"),
        ("run", "patience", "soon", "--patience=soon"),
        (
            "run",
            "capabilities",
            "OS=Linux\nnonsense",
            "--capability=nonsense",
        ),
        ("run", "junit", "stricht", "--junit=stricht"),
        ("run", "url", "not a url", "--url=not a url"),
        ("run", "config", "none.yml", "--config=none.yml"),
        ("run", "template", "Nightli", "--template=Nightli"),
        ("run", "linked-repos", "x=main", "--linked-repo=x=main"),
        ("run", "commit", "HEAD", "--commit=HEAD"),
        ("run", "report-commit", "HEAD", "--report-commit=HEAD"),
        ("run", "status-context", "a\nb", "--status-context=a\nb"),
        ("execute", "tests-per-worker", "0", "--tests-per-worker=0"),
        ("execute", "max-workers", "257", "--max-workers=257"),
        ("execute", "target-time", "soon", "--target-time=soon"),
        ("execute", "runs-on", "a: b: c=", "--runs-on=a: b: c="),
        ("work", "plan-id", "seven", "--plan-id=seven"),
        ("report", "records", "nowhere", "--records=nowhere"),
    ] {
        let flagged = stage.testplan(command).arg(flag).run();
        let done = job
            .uses(&action)
            .with("command", command)
            .with(input, value)
            .with(
                "commit-status",
                if ["run", "report"].contains(&command) {
                    "false"
                } else {
                    ""
                },
            )
            .run();
        assert_eq!(
            done.status.code(),
            flagged.status.code(),
            "{flagged}\n{done}"
        );
        assert!(
            !done.status.success(),
            "{input}: {value} is no mistake: {done}"
        );
        let said = flagged.stderr.lines().next().unwrap();
        let words = said
            .trim_start_matches("error: ")
            .trim_start_matches("testplan: ");
        let [error] = done.messages(Level::Error)[..] else {
            panic!("not one error: {done}");
        };
        assert!(
            error.lines().next().unwrap().contains(words)
                || words.contains(error.lines().next().unwrap()),
            "{input}: the flag says {words:?}, the input {error:?}"
        );
    }
}

#[test]
fn unknown_input_values_are_usage_errors() {
    let stage = Stage::new();
    plan(&stage, 1);
    let action = Action::ours();
    let job = job(&stage, "j");
    for (inputs, words) in [
        (&[("command", "reprot")][..], "did you mean report"),
        (&[("command", "serve")], "serve"),
        (&[("allow-http", "yes")], "neither true nor false"),
        (&[("annotations", "tRUE")], "neither true nor false"),
        (&[("job-summary", "1")], "neither true nor false"),
        (
            &[("command", "wait"), ("plan-id", "1"), ("workers", "2")],
            "does not take it",
        ),
        (&[("command", "work")], "plan-id"),
        (&[("working-directory", "nowhere")], "working-directory"),
    ] {
        let mut step = job.uses(&action);
        for (name, value) in inputs {
            step = step.with(name, value);
        }
        let done = step.run().code_is(2);
        let [error] = done.messages(Level::Error)[..] else {
            panic!("{inputs:?}: not one error: {done}");
        };
        assert!(error.contains(words), "{inputs:?}: {error}");
        assert_eq!(done.output("conclusion"), "usage", "{done}");
        assert!(!done.success);
    }
}

/// Neither the log nor the files of a step, nor the tests, see a secret.
#[test]
fn input_secrets_do_not_reach_tests() {
    let stage = Stage::new();
    // From the system: a shell leaves out what is no name to it.
    let test = stage.script("test.sh", "cat /proc/$$/environ >> environs");
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let service = Service::start(&stage);
    let action = Action::ours();
    let job = job(&stage, "j");
    let secret = token(&service);
    let secret = secret.trim();
    let done = job
        .uses(&action)
        .with("command", "run")
        .with("url", &service.url)
        .with("token", secret)
        .with("password", "")
        .with("commit-status", false)
        .env("RUNNER_DEBUG", "1")
        .run()
        .code_is(0);
    let environs = stage.read("environs");
    assert!(environs.contains("RUNNER_TRACKING_ID="), "{environs}");
    let post = done.post();
    let told = [
        ("the environment of tests", environs),
        ("the log", format!("{done}{:?}", done.annotations)),
        ("state", format!("{:?}", done.state)),
        ("post's log", format!("{post}")),
    ];
    for (place, text) in told {
        for canary in [secret, Job::TOKEN] {
            assert!(!text.contains(canary), "{canary} in {place}: {text}");
        }
    }
}

/// GitHub hides what it knows as a secret; how user and password go over the wire it does not know.
#[test]
fn base64_of_user_and_password_is_masked() {
    let stage = Stage::new();
    stage.write("testplan.yml", "");
    let action = Action::ours();
    let job = job(&stage, "j");
    let done = job
        .uses(&action)
        .with("command", "wait")
        .with("url", "http://127.0.0.1:1")
        .with("patience", "1ms")
        .with("plan-id", 1)
        .with("user", "ada@example.com")
        .with("password", " pa:ss ")
        .run()
        .code_is(3);
    assert_eq!(done.masks, ["YWRhQGV4YW1wbGUuY29tOnBhOnNz"], "{done}");
}
