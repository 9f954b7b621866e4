//! Figures about the source tree, printed and not judged:
//!
//! `cargo test --test tidy -- --ignored --nocapture figures`, and `TESTPLAN_TREE=FOLDER` for the `src` of another checkout.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    imports::{circles, imports},
    tree::{code, sources, sources_below},
};

#[test]
#[ignore = "prints figures, judges nothing"]
#[expect(clippy::disallowed_methods, reason = "printing is its purpose")]
fn figures() {
    let tree = match std::env::var_os("TESTPLAN_TREE") {
        Some(folder) => sources_below(folder.as_ref()),
        None => sources(),
    };
    let pure = |room: &str| -> usize {
        let files = tree.iter().filter(|(path, _)| {
            room.is_empty()
                || path.starts_with(&format!("{room}/"))
                || *path == format!("{room}.rs")
        });
        files
            .map(|(_, text)| {
                code(text)
                    .filter(|(_, line)| !line.trim().is_empty())
                    .count()
            })
            .sum()
    };
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    let mut types: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut squish = 0;
    for (path, text) in &tree {
        *by_name
            .entry(path.rsplit('/').next().unwrap_or(path))
            .or_default() += 1;
        for (_, line) in code(text) {
            if let Some(name) = type_name(line) {
                types.entry(name).or_default().insert(path);
            }
        }
        let engine = path.starts_with("run/") || path == "run.rs";
        squish += usize::from(
            engine && code(text).any(|(_, line)| line.to_lowercase().contains("squish")),
        );
    }
    let shared: usize = by_name.values().filter(|count| **count > 1).sum();
    let thrice: Vec<&String> = types
        .iter()
        .filter(|(_, files)| files.len() > 2)
        .map(|(name, _)| name)
        .collect();
    println!("files                               {}", tree.len());
    println!("pure code lines                     {}", pure(""));
    println!("  of them in cli                    {}", pure("cli"));
    println!("engine files that mention Squish    {squish}");
    println!(
        "circles of imports                  {}",
        circles(&imports(&tree)).len()
    );
    println!("files that share a base name        {shared}");
    println!(
        "type names in three files or more   {} {thrice:?}",
        thrice.len()
    );
}

/// The name of a struct, enum, trait or type alias defined on a line.
fn type_name(line: &str) -> Option<String> {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub"));
    if !matches!(words.next()?, "struct" | "enum" | "trait" | "union")
        && !line.trim_start_matches("pub ").starts_with("type ")
    {
        return None;
    }
    let name = words.next()?;
    Some(
        name.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect(),
    )
}
