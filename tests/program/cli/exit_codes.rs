//! Each exit code by a process that ends with it, and the same words for it everywhere.

use testplan::{
    cli::{args::VerbosityArgs, screen::Screen, shell},
    config::environment::Environment,
    exit_code::Conclusion,
    publication::step_files::StepFiles,
};

use super::plan::{BREAKS, FAILS, PASSES, SKIPS, plan, plan_for};
use crate::support::{Ended, Service, Stage};

/// Whether a process ended so, and said so in its last line.
fn concludes(ended: &Ended, conclusion: Conclusion) {
    let code = i32::from(conclusion.code());
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    let last = ended.stderr.lines().next_back().unwrap_or_default();
    assert_eq!(
        last,
        format!(
            "conclusion: {} (exit code {code}): {}",
            conclusion.word(),
            conclusion.meaning()
        ),
        "{ended:#?}"
    );
}

fn run_of(tests: &[(&str, &str)]) -> Ended {
    Stage::with(&plan(tests)).run(["run", "--workers", "2"])
}

#[test]
fn passed_is_0() {
    concludes(&run_of(&[PASSES, SKIPS]), Conclusion::Passed);
}

#[test]
fn failed_is_1() {
    concludes(&run_of(&[PASSES, FAILS]), Conclusion::Failed);
}

#[test]
fn usage_is_2() {
    let stage = Stage::new();
    concludes(&stage.run(["run"]), Conclusion::Usage);
    let flag = stage.run(["run", "--no-such-flag"]);
    assert_eq!(flag.code, Some(2), "{flag:#?}");
}

#[test]
fn infrastructure_is_3() {
    // A service that is not there, and a test that could not run beside one that failed.
    let gone = Stage::new().run([
        "plan",
        "show",
        "--plan-id=1",
        "--url=http://127.0.0.1:1",
        "--patience=0s",
    ]);
    concludes(&gone, Conclusion::Infrastructure);
    concludes(&run_of(&[FAILS, BREAKS]), Conclusion::Infrastructure);
}

#[test]
fn nothing_to_run_is_4() {
    let stage = Stage::with(&plan_for("[{ OS: Linux }]", &[PASSES]));
    let service = Service::start(&stage);
    let unknown = service.run(&stage, &["execute", "--template", "al"]);
    concludes(&unknown, Conclusion::NothingToRun);
    assert!(unknown.stderr.contains("\"all\""), "{unknown:#?}");

    let started = service.run(&stage, &["execute", "--format=json"]).json();
    let id = format!("--plan-id={}", started["plan_id"]);
    let work = ["work", &id, "--capability=OS=Windows"];
    let misfit = service.run(&stage, &work);
    concludes(&misfit, Conclusion::NothingToRun);
    assert!(misfit.stderr.contains("OS=Linux"), "{misfit:#?}");
    assert_eq!(misfit.stdout, "");
    // With an empty plan it would be fine; this one is not empty.
    let run = service.run(&stage, &["run", "--allow-empty"]);
    concludes(&run, Conclusion::NothingToRun);
}

#[test]
fn incomplete_is_5() {
    let stage = Stage::with(&plan_for("[{ OS: Linux }, { OS: Windows }]", &[PASSES]));
    let half = stage.run(["run", "--capability", "OS=Linux"]);
    concludes(&half, Conclusion::Incomplete);
    assert!(half.stderr.contains("MISSING"), "{half:#?}");

    let service = Service::start(&stage);
    let started = service.run(&stage, &["execute", "--format=json"]).json();
    let id = format!("--plan-id={}", started["plan_id"]);
    let waited = service.run(&stage, &["wait", &id, "--deadline", "50ms"]);
    concludes(&waited, Conclusion::Incomplete);
}

#[cfg(unix)]
#[test]
fn signals_are_130_and_143() {
    use super::plan::HANGS;
    use rustix::process::Signal;

    for (signal, conclusion) in [
        (Signal::INT, Conclusion::Interrupted),
        (Signal::TERM, Conclusion::Terminated),
    ] {
        let stage = Stage::with(&plan(&[HANGS]));
        let mut running = stage.command(["run"]).start();
        running.wait_for_word("plan ");
        running.send(signal);
        concludes(&running.end(), conclusion);
    }
}

/// What `main` does with a command that panics, in a process of its own: this test's binary once more.
#[test]
fn bug_is_70() {
    let stage = Stage::new();
    let itself = std::env::current_exe().unwrap();
    let command = stage.program(itself).args([
        "--exact",
        "cli::exit_codes::panics",
        "--ignored",
        "--nocapture",
    ]);
    let ended = command.run();
    concludes(&ended, Conclusion::Bug);
    assert!(
        ended.stderr.contains("tests/program/cli/exit_codes.rs:"),
        "{ended:#?}"
    );
    assert!(
        ended.stderr.contains("This is a bug of testplan"),
        "{ended:#?}"
    );
    assert!(!ended.stderr.contains("hunter2"), "{ended:#?}");
}

#[test]
#[ignore = "ends its process: bug_is_70 starts it"]
#[expect(clippy::exit, reason = "stands for main")]
fn panics() {
    std::panic::set_hook(Box::new(shell::print_panic));
    let screen = Screen::new(
        VerbosityArgs::default(),
        &Environment::default(),
        StepFiles::default(),
    );
    let conclusion = shell::conclude(&screen, || panic!("a secret: hunter2"));
    std::process::exit(conclusion.code().into());
}

#[test]
fn the_same_words_in_help_and_readme() {
    let help = Stage::new().run(["--help"]).stdout;
    let readme = include_str!("../../../README.md");
    for conclusion in Conclusion::ALL {
        let (code, word, meaning) = (conclusion.code(), conclusion.word(), conclusion.meaning());
        let in_help = format!("  {code:<3}  {word}: {meaning}\n");
        let in_readme = match conclusion {
            // The two signals share a line.
            Conclusion::Interrupted => format!("| 130, 143 | {word} | {meaning}, SIGTERM |"),
            Conclusion::Terminated => continue,
            _ => format!("| {code} | {word} | {meaning}"),
        };
        assert!(help.contains(&in_help), "--help has no {in_help:?}: {help}");
        assert!(readme.contains(&in_readme), "README has no {in_readme:?}");
    }
}

/// Help and messages must not send anybody to a command that is not there.
#[test]
fn every_command_named_in_messages_exists() {
    let help = Stage::new().run(["--help"]).stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let known: Vec<&str> = list
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        known.contains(&"run") && known.contains(&"man"),
        "{known:?}"
    );
    let mut texts = vec![(
        "README.md".to_owned(),
        include_str!("../../../README.md").to_owned(),
    )];
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                texts.push((path.display().to_string(), text));
            }
        }
    }
    assert!(texts.len() > 100, "the sources are found");
    for (name, text) in texts {
        for part in text.split("`testplan ").skip(1) {
            let word: String = part
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            let hidden = word == "demo-test" || word.is_empty();
            assert!(
                hidden || known.contains(&word.as_str()),
                "{name} speaks of `testplan {word}`, which does not exist"
            );
        }
    }
}
