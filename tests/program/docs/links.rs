//! Links within the repository, read as Markdown.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::page::{pages, root, text};

/// The links of a text, and the anchors of its headings.
fn links_and_anchors(text: &str) -> (Vec<String>, BTreeSet<String>) {
    let mut links = Vec::new();
    let mut anchors: BTreeSet<String> = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let mut free = anchor.clone();
                for number in 1.. {
                    if anchors.insert(free.clone()) {
                        break;
                    }
                    free = format!("{anchor}-{number}");
                }
            }
            Event::Text(words) | Event::Code(words) => {
                heading = heading.map(|it| it + &words);
            }
            _ => {}
        }
    }
    (links, anchors)
}

/// What GitHub and mdBook call a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let mut files = pages();
    let others = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];
    files.extend(others.map(PathBuf::from));
    let read: BTreeMap<PathBuf, _> = files
        .into_iter()
        .map(|path| {
            let found = links_and_anchors(&text(&path));
            (path, found)
        })
        .collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, (links, own)) in &read {
        for link in links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => plain(&path.parent().unwrap().join(file)),
            };
            if !root().join(&target).exists() {
                wrong.push(format!("{}: there is no {link}", path.display()));
                continue;
            }
            let anchors = match file {
                "" => Some(own),
                _ => read.get(&target).map(|(_, anchors)| anchors),
            };
            if !anchor.is_empty() && !anchors.is_some_and(|it| it.contains(anchor)) {
                wrong.push(format!("{}: no heading is {link}", path.display()));
            }
        }
    }
    assert!(count > 200, "{count} links");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn summary_lists_every_page_once() {
    let (mut listed, _) = links_and_anchors(&text(Path::new("docs/SUMMARY.md")));
    listed.sort();
    let pages = pages().into_iter();
    let pages = pages.map(|path| path.strip_prefix("docs").unwrap().display().to_string());
    let mut pages: Vec<String> = pages.filter(|path| path != "SUMMARY.md").collect();
    pages.sort();
    assert_eq!(listed, pages);
}

#[test]
fn anchors_are_those_of_github() {
    let (links, anchors) =
        links_and_anchors("# The `a.b` file: (1)\n\n## x\n\n## x\n\n[l](m.md#n)\n");
    assert_eq!(links, ["m.md#n"]);
    let anchors: Vec<&str> = anchors.iter().map(String::as_str).collect();
    assert_eq!(anchors, ["the-ab-file-1", "x", "x-1"]);
}
