//! The played runner itself, with steps that do odd things.

use std::time::Duration;

use super::runner::{Action, Event, Job, Level, Reached, left, load, pairs};
use crate::support::{Stage, alive};

const INPUTS: &str = r#"
inputs:
  squish-url: { description: "", required: true }
  With blank: { default: x }
  token: { default: "a ${{ github.token }} ${{github.repository}} b" }
  empty: {}
"#;

#[track_caller]
fn step(main: &str, check: impl FnOnce(&super::runner::Finished<'_>)) {
    let stage = Stage::new();
    let action = Action::of_scripts(&stage, INPUTS, main, "");
    let job = Job::new(&stage, "j", &Event::some_push());
    check(&job.uses(&action).run());
}

#[test]
fn a_step_gets_the_runners_variables_and_nothing_else() {
    let stage = Stage::new();
    // No shell: it would drop what is no name to it.
    let action = Action::of_words(INPUTS, &["env", "-0"]);
    let job = Job::new(&stage, "gui", &Event::some_push()).env("MINE", "of the job");
    let step = job
        .uses(&action)
        .with("SQUISH-url", "https://x\n y ")
        .with("unknown", "z")
        .env("GITHUB_RUN_ATTEMPT", "3");
    let done = step.run();
    assert!(done.success, "{done}");
    let found: Vec<(&str, &str)> = done
        .stdout
        .split_terminator('\0')
        .map(|line| line.split_once('=').unwrap())
        .collect();
    let value = |name: &str| {
        let found = found.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| *value)
    };
    assert_eq!(value("INPUT_SQUISH-URL"), Some("https://x\n y "));
    assert_eq!(value("INPUT_WITH_BLANK"), Some("x"));
    assert_eq!(value("INPUT_EMPTY"), Some(""));
    assert_eq!(value("INPUT_UNKNOWN"), Some("z"));
    let token = format!("a {} octo-org/app b", Job::TOKEN);
    assert_eq!(value("INPUT_TOKEN"), Some(token.as_str()));
    assert_eq!(value("MINE"), Some("of the job"));
    assert_eq!(value("GITHUB_RUN_ATTEMPT"), Some("3"));
    assert_eq!(
        value("GITHUB_SHA"),
        Some("9a5e000000000000000000000000000000000004")
    );
    assert_eq!(value("GITHUB_REF_NAME"), Some("main"));
    assert_eq!(value("GITHUB_HEAD_REF"), Some(""));
    assert_eq!(value("CI"), Some("true"));
    // Only what an `env:` of the workflow names: the runner hands no token over.
    assert_eq!(value("GITHUB_TOKEN"), None);
    let event = std::fs::read_to_string(value("GITHUB_EVENT_PATH").unwrap()).unwrap();
    assert!(event.contains("\"refs/heads/main\""), "{event}");
    let known = ["PATH", "HOME", "CI", "MINE"];
    let prefixes = ["GITHUB_", "RUNNER_", "ACTIONS_", "INPUT_"];
    let leaked = found.iter().filter(|(name, _)| {
        !known.contains(name) && !prefixes.iter().any(|prefix| name.starts_with(prefix))
    });
    assert_eq!(leaked.collect::<Vec<_>>(), [] as [&(&str, &str); 0]);
}

#[test]
fn entries_of_files_are_read_by_the_runners_rules() {
    let ok = |text: &str| {
        let (pairs, wrong) = pairs(text);
        assert_eq!(wrong, None, "{text:?}");
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        pairs.join("|")
    };
    assert_eq!(ok(""), "");
    assert_eq!(ok("\n\na=b\n"), "a:b");
    assert_eq!(ok("a=b=c<<d"), "a:b=c<<d");
    assert_eq!(ok("a=\n=b\n"), "a:|:b");
    assert_eq!(ok("a<<E\nE\nb<<E\n\nE"), "a:|b:");
    assert_eq!(ok("a<<E\nx\n\ny=z\n E\nE \nE\n"), "a:x\n\ny=z\n E\nE ");
    // Only a line feed ends a line.
    assert_eq!(ok("a=b\r\nc<<E\r\nx\r\nE\r\n"), "a:b\r|c:x\r");
    assert_eq!(ok("a<<E=F\nx\nE=F\n"), "a:x");
    for (text, why) in [
        ("a", "Invalid format 'a'"),
        ("a=b\n \n", "Invalid format ' '"),
        ("<<E\nE\n", "Invalid format"),
        ("a<<\n\n", "Invalid format"),
        ("a<<E\nx\n", "delimiter not found"),
        ("a<<E\nx", "missing new line"),
        ("a<<E\r\nx\nE\n", "delimiter not found"),
    ] {
        let (_, wrong) = pairs(text);
        assert!(
            wrong.as_ref().is_some_and(|it| it.contains(why)),
            "{text:?}: {wrong:?}"
        );
    }
}

#[test]
fn the_files_of_a_step_are_read_back() {
    let main = r"printf 'a=1\nb<<E\nx\ny\nE\na=2\n' > $GITHUB_OUTPUT
        echo 'e=f' >> $GITHUB_ENV; echo NODE_OPTIONS=x >> $GITHUB_ENV
        echo /some/bin > $GITHUB_PATH
        echo 'Kept=s' > $GITHUB_STATE
        echo '# S' > $GITHUB_STEP_SUMMARY";
    let stage = Stage::new();
    let post =
        r#"echo "post ${STATE_Kept} ${INPUT_TOKEN:+input}"; test -s $GITHUB_OUTPUT || echo fresh"#;
    let action = Action::of_scripts(&stage, INPUTS, main, post);
    let job = Job::new(&stage, "j", &Event::some_push());
    let done = job.uses(&action).run();
    assert!(done.success, "{done}");
    assert_eq!(
        (done.output("a"), done.output("b"), done.output("c")),
        ("2", "x\ny", "")
    );
    assert_eq!(done.env.len(), 1);
    assert_eq!(done.path, ["/some/bin"]);
    assert_eq!(done.summary, "# S\n");
    assert_eq!(done.messages(Level::Error).len(), 1, "NODE_OPTIONS");
    let post = done.post();
    assert_eq!(post.stdout, "post s input\nfresh\n");
}

#[test]
fn files_that_are_wrong_fail_the_step_and_a_long_summary_is_lost_alone() {
    step("echo a > $GITHUB_OUTPUT", |done| {
        assert_eq!((done.status.code(), done.success), (Some(0), false));
    });
    step("head -c 1048577 /dev/zero > $GITHUB_STEP_SUMMARY", |done| {
        assert!(done.success);
        assert_eq!((done.summary.len(), done.errors.len()), (0, 1));
    });
    step("head -c 1048576 /dev/zero > $GITHUB_STEP_SUMMARY", |done| {
        assert_eq!((done.summary.len(), done.errors.len()), (1_048_576, 0));
    });
    step("rm $GITHUB_STEP_SUMMARY $GITHUB_STATE", |done| {
        assert!(done.success && done.errors.is_empty());
    });
}

#[test]
fn commands_of_both_outputs_have_their_effect() {
    let main = r###"
        echo "::group::G"; echo "::endgroup::"
        echo "::add-mask::s3cret%0Aline"
        echo "::error file=$GITHUB_WORKSPACE/a/b.py,line=3,endLine=2,col=1,title=T%3A::m%0An" >&2
        echo "##[warning file=/elsewhere/x.py;endLine=7;endColumn=9]w"
        printf 'progress\r::notice::n\r'
        for n in 1 2 3 4 5 6 7 8 9 10 11; do echo "::error::$n"; done
        echo "::set-output name=old::way"; echo "::save-state name=old::kept"
        echo "| ::error::none" "###;
    step(main, |done| {
        assert!(done.success, "{done}");
        assert_eq!(done.groups, ["G"]);
        assert_eq!(done.masks, ["s3cret", "line"]);
        assert_eq!(
            (done.output("old"), done.state["old"].as_str()),
            ("way", "kept")
        );
        let errors = done.messages(Level::Error);
        assert_eq!((errors.len(), done.lost), (10, 2));
        assert_eq!(done.messages(Level::Notice), ["n"]);
        let warning = done
            .annotations
            .iter()
            .find(|it| it.message == "w")
            .unwrap();
        let properties: Vec<&str> = warning.properties.values().map(String::as_str).collect();
        assert_eq!(properties, ["9", "9", "7", "/elsewhere/x.py", "7"]);
    });
    step(
        r#"echo "::error file=$GITHUB_WORKSPACE/a/b.py,line=3,endLine=2,col=1,title=T%3A::m%0An""#,
        |done| {
            let [error] = &done.annotations[..] else {
                panic!("{done}");
            };
            assert_eq!(
                (error.level, error.message.as_str()),
                (Level::Error, "m\nn")
            );
            let properties: Vec<_> = error.properties.iter().collect();
            let text = format!("{properties:?}");
            assert_eq!(text, r#"[("file", "a/b.py"), ("title", "T:")]"#);
        },
    );
}

#[test]
fn commands_that_are_refused_fail_the_step() {
    for line in [
        "::set-env name=A::b",
        "x ##[add-path]/tmp",
        "::echo::x",
        "::set-output::x",
    ] {
        step(&format!("echo '{line}'"), |done| {
            assert_eq!(
                (done.status.code(), done.success),
                (Some(0), false),
                "{line}"
            );
            assert_eq!(done.messages(Level::Error).len(), 1);
        });
    }
    step("exit 3", |done| assert!(!done.success));
}

#[test]
fn cancellation_escalates_until_the_process_ends() {
    let cancelled = |main: &str| {
        let stage = Stage::new();
        let action = Action::of_scripts(&stage, "inputs: {}", main, "");
        let job = Job::new(&stage, "j", &Event::some_push());
        let mut step = job.uses(&action).start();
        step.running.wait_for("ready");
        let done = step.cancel();
        (done.cancelled.unwrap(), done.held_open, job.left().len())
    };
    let work = "echo ready; while :; do sleep 0.05; done";
    let ((reached, took), _, _) = cancelled(&format!("trap 'exit 130' INT; {work}"));
    assert_eq!(reached, Reached::Interrupt);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let ((reached, took), _, _) = cancelled(&format!("trap '' INT; trap 'exit 143' TERM; {work}"));
    assert_eq!(reached, Reached::Terminate);
    assert!(took >= Duration::from_millis(7500), "{took:?}");
    let ((reached, took), _, _) = cancelled(&format!("trap '' INT TERM; {work}"));
    assert_eq!(reached, Reached::Kill);
    assert!(took >= Duration::from_secs(10), "{took:?}");
    // Whoever leaves a child with its output keeps the runner from going on.
    let child = "(trap '' INT; hang) & trap 'exit 130' INT";
    let ((reached, took), held_open, left) = cancelled(&format!("{child}; {work}"));
    assert_eq!((reached, held_open), (Reached::Interrupt, true));
    assert!(took >= Duration::from_secs(5), "{took:?}");
    assert!(left >= 1);
}

#[test]
fn processes_left_by_a_job_are_found_and_ended() {
    let stage = Stage::new();
    let main = "(setsid ./stay.sh </dev/null >/dev/null 2>&1 & echo $!)";
    let main = main.replace(
        "./stay.sh",
        stage.script("stay.sh", "hang").to_str().unwrap(),
    );
    let action = Action::of_scripts(&stage, "inputs: {}", &main, "");
    let job = Job::new(&stage, "j", &Event::some_push());
    let other = Job::new(&stage, "other", &Event::some_push());
    let done = job.uses(&action).run();
    assert!(!job.left().is_empty(), "{done}");
    assert_eq!(other.left(), [] as [u32; 0]);
    let tracking = job.tracking.clone();
    let pids = job.left();
    drop(job);
    crate::support::until("the end of what was left", || {
        (left(&tracking).is_empty() && !pids.iter().any(|pid| alive(*pid))).then_some(())
    });
}

#[test]
fn an_action_with_an_expression_where_none_may_be_is_not_loaded() {
    assert!(load("inputs: { a: { default: '${{ github.token }}' } }").is_ok());
    for text in [
        "description: 'as ${{ github.token }}'",
        "inputs: { a: { description: 'as ${{ secrets.X }}' } }",
        "inputs: { a: { default: '${{ secrets.X }}' } }",
        "outputs: { a: { description: '${{ 1 }}' } }",
        "runs: { main: '${{ github.x }}' }",
        "other: [ '${{ github.x }}' ]",
    ] {
        assert!(load(text).is_err(), "{text}");
    }
}
