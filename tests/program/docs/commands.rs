//! The commands of the pages, run as readers run them: each page in a folder of its own, from top to bottom.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    page::{Block, Page, missing, pages, text},
    tools::set_up,
};
use crate::support::{Ended, Stage};

/// Pages whose commands other tests run, and why they are not run here.
const ELSEWHERE: [(&str, &str); 3] = [
    (
        "README.md",
        ".ci/run runs the first block, docs/start.md has the rest",
    ),
    (
        "docs/curl.md",
        "tests/program/contract compares each answer",
    ),
    (
        "docs/service.md",
        "sets up machines, databases and users of a system",
    ),
];

/// Does what a page says.
fn follow(path: &str) {
    let page = Page::read(&text(Path::new(path)));
    assert!(
        page.blocks.iter().any(|it| matches!(it, Block::Run(_))),
        "{path} has no command to run"
    );
    let stage = Stage::new();
    let Some(tools) = set_up(&stage, &page.needs) else {
        return;
    };
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = tools
        .paths
        .iter()
        .cloned()
        .chain(env::split_paths(&inherited));
    let folders = env::join_paths(folders).unwrap();
    let mut last: Option<(String, Ended)> = None;
    for block in page.blocks {
        match block {
            Block::Write(file, text) => {
                stage.write(&file, text);
            }
            Block::Written(file, text) => {
                let written = stage.read(&file);
                assert_eq!(written, text, "{path}: {file} is not what the page shows");
            }
            Block::Run(script) => {
                check_end(path, last.take(), "");
                let shell = stage.program("sh").args(["-ec", &script]);
                let shell = shell.with("PATH", &folders);
                let variables = tools.variables.iter().map(|(name, value)| (*name, value));
                last = Some((script, shell.with_all(variables).run()));
            }
            Block::Prints(expected) => check_end(path, last.take(), &expected),
            Block::NotRun(_) => {}
        }
    }
    check_end(path, last, "");
}

/// The commands ended as the page says, and printed what it shows.
fn check_end(path: &str, ran: Option<(String, Ended)>, expected: &str) {
    let Some((script, ended)) = ran else {
        return;
    };
    let code = expected.split_once("(exit code ").map_or("0", |(_, it)| it);
    let code: i32 = code.split(')').next().unwrap().parse().unwrap();
    assert_eq!(ended.code, Some(code), "{path}:\n{script}\n{ended}");
    let output = [ended.stdout.as_str(), &ended.stderr].concat();
    let missing = missing(expected, &output);
    assert!(missing.is_empty(), "{path} shows {missing:#?}\n{ended}");
}

macro_rules! pages_that_run {
    ($($name:ident: $path:literal,)*) => {
        /// Pages with a test below.
        const FOLLOWED: &[&str] = &[$($path),*];
        $(#[test] fn $name() { follow($path); })*
    };
}

pages_that_run! {
    commands_of_start_do_what_it_shows: "docs/start.md",
    commands_of_pytest_do_what_it_shows: "docs/start/pytest.md",
    commands_of_python_do_what_it_shows: "docs/start/python.md",
    commands_of_javascript_do_what_it_shows: "docs/start/javascript.md",
    commands_of_playwright_do_what_it_shows: "docs/start/playwright.md",
    commands_of_cpp_do_what_it_shows: "docs/start/cpp.md",
    commands_of_rust_do_what_it_shows: "docs/start/rust.md",
    commands_of_go_do_what_it_shows: "docs/start/go.md",
    commands_of_scripts_do_what_it_shows: "docs/start/scripts.md",
    commands_of_squish_do_what_it_shows: "docs/start/squish.md",
    commands_of_other_do_what_it_shows: "docs/start/other.md",
    commands_of_exit_codes_do_what_it_shows: "docs/exit-codes.md",
    commands_of_comparison_do_what_it_shows: "docs/comparison.md",
}

#[test]
fn every_command_of_a_page_runs_or_has_a_reason() {
    let mut wrong = Vec::new();
    for path in pages().into_iter().chain([PathBuf::from("README.md")]) {
        let path = path.to_str().unwrap();
        let page = Page::read(&text(Path::new(path)));
        let runs = page.blocks.iter().any(|it| matches!(it, Block::Run(_)));
        let is_elsewhere = ELSEWHERE.iter().any(|(other, _)| *other == path);
        if runs && !FOLLOWED.contains(&path) && !is_elsewhere {
            wrong.push(format!("{path} has a `sh` block that no test runs and no `<!-- not run: REASON -->` stands above it"));
        }
        let reasons = page.blocks.iter().filter_map(|it| match it {
            Block::NotRun(reason) => Some(reason),
            _ => None,
        });
        for reason in reasons {
            if reason.split(' ').count() < 3 {
                wrong.push(format!("{path}: {reason:?} is no reason"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
