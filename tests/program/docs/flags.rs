//! Every command and flag of testplan that a page names exists, also in blocks that no test can run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::page::{pages, text};

/// The code of a page, line by line.
fn code_lines(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_block = false;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_block = true,
            Event::End(TagEnd::CodeBlock) => in_block = false,
            // Messages quote the name as well.
            Event::Code(code) if code.starts_with("testplan ") => lines.push(code.into_string()),
            Event::Text(code) if in_block => {
                let is_comment = |line: &&str| line.trim_start().starts_with(['#', '/']);
                let code = code.lines().filter(|line| !is_comment(line));
                lines.extend(code.map(str::to_owned));
            }
            _ => {}
        }
    }
    lines
}

/// The words of each call of testplan in a line: those after `testplan`, up to what ends a command of a shell.
fn calls(line: &str) -> Vec<Vec<&str>> {
    let call = regex::Regex::new(r#"(?:^|[\s('"])testplan ([a-z][^#|;>&)'`]*)"#).unwrap();
    let found = call
        .captures_iter(line)
        .map(|it| it.get(1).unwrap().as_str());
    found.map(|it| it.split_whitespace().collect()).collect()
}

/// The flags of each command, from docs/command-line.md.
fn known() -> BTreeMap<String, String> {
    let page = text(Path::new("docs/command-line.md"));
    let (every, commands) = page.split_once("\n## testplan ").unwrap();
    let commands = commands.split("\n## testplan ");
    let known: BTreeMap<String, String> = commands
        .map(|section| {
            let (name, flags) = section.split_once('\n').unwrap();
            (name.to_owned(), format!("{every}\n{flags}"))
        })
        .collect();
    assert!(known.len() > 30);
    known
}

/// What is wrong with the words of a call.
fn mistake(words: &[&str], known: &BTreeMap<String, String>) -> Option<String> {
    let two = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    let groups = known
        .keys()
        .any(|name| name.starts_with(&format!("{} ", words[0])));
    let Some(flags) = known.get(&two).or_else(|| known.get(words[0])) else {
        let is_group = groups && words.len() == 1;
        return (!is_group).then(|| format!("there is no command {two:?}"));
    };
    let named = words.iter().filter(|word| word.starts_with("--"));
    let mut names = named.map(|word| word.split(['=', '[', ',']).next().unwrap_or(word));
    let unknown = names.find(|name| {
        **name != *"--help"
            && !flags.contains(&format!("{name}`"))
            && !flags.contains(&format!("{name} <"))
            && !flags.contains(&format!("{name}["))
    })?;
    Some(format!("{two:?} has no flag {unknown}"))
}

#[test]
fn every_flag_on_the_pages_exists() {
    let known = known();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in pages().into_iter().chain([PathBuf::from("README.md")]) {
        for line in code_lines(&text(&path)) {
            for words in calls(&line) {
                count += 1;
                let mistake = mistake(&words, &known);
                wrong.extend(mistake.map(|it| format!("{}: {line}: {it}", path.display())));
            }
        }
    }
    assert!(count > 150, "{count} calls");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flag_that_does_not_exist_is_found() {
    let known = known();
    let check = |line| calls(line).iter().find_map(|words| mistake(words, &known));
    assert_eq!(check("testplan run --workers 2 --quiet"), None);
    assert_eq!(
        check("x=$(testplan serve migrate --from sqlite:D) # --no"),
        None
    );
    assert_eq!(
        check("- testplan run --worker 2").as_deref(),
        Some("\"run --worker\" has no flag --worker")
    );
    assert_eq!(
        check("testplan runs --workers 2").as_deref(),
        Some("there is no command \"runs --workers\"")
    );
}
