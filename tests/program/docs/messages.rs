//! docs/troubleshooting.md quotes messages: each of them exists in the source.

use std::{fs, path::Path};

use super::page::{root, text};

/// The sources, each as one text in which a string over several lines is one line.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(joined(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

fn joined(source: &str) -> String {
    let broken = regex::Regex::new(r"\\\r?\n\s*").unwrap();
    broken.replace_all(source, "").replace("\\\"", "\"")
}

/// The rows of the page's tables: the messages of each, what it means, and what to do.
fn rows(page: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split(" | ");
        let messages = cells.next().unwrap().split('`').skip(1).step_by(2);
        (messages.collect(), cells.map(str::trim).collect())
    })
    .collect()
}

#[test]
fn every_message_that_is_explained_exists() {
    let sources = sources();
    assert!(sources.len() > 100);
    let page = text(Path::new("docs/troubleshooting.md"));
    let rows = rows(&page);
    assert!(rows.len() >= 30, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for (messages, cells) in rows {
        if messages.is_empty() || cells.len() != 2 || cells.iter().any(|it| it.is_empty()) {
            wrong.push(format!("{messages:?}: needs a cause and what to do"));
        }
        for message in messages {
            let parts: Vec<&str> = message.split('…').map(str::trim).collect();
            let is_there = sources
                .iter()
                .any(|source| parts.iter().all(|part| source.contains(part)));
            if !is_there || parts.iter().all(|part| part.len() < 8) {
                wrong.push(format!("no source has the message {message:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
