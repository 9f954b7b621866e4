//! Which file takes names from which, and the circles among them.
//!
//! A path is followed through `pub use`, so an import from a room's facade counts for the file that defines the name.
//! A `pub use` alone is no import: the facade only hands the name on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::tree::{code, sources};

/// From each file to the files that it takes names from, with those names.
type Imports = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A path of a `use` or of an expression, in segments; an alias is left out.
type Segments = Vec<String>;

#[test]
fn files_do_not_import_each_other_in_circles() {
    let circles = circles(&imports(&sources()));
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found_through_facades_and_paths_in_code() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let tree = [
        file("lib.rs", "pub mod a;\n"),
        file("a.rs", "mod b;\nmod c;\npub use b::{self, Name};\n"),
        file("a/b.rs", "use crate::a::c::{self, Other};\nstruct Name;\n"),
        file(
            "a/c.rs",
            "// crate::a::b is only named here\nfn f() { super::Name::new(); }\n",
        ),
        file("d.rs", "use crate::a::{Name, b};\n"),
    ];
    let imports = imports(&tree);
    assert_eq!(
        imports["d.rs"].keys().collect::<Vec<_>>(),
        ["a/b.rs"],
        "the facade itself is not imported"
    );
    let found = circles(&imports);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("a/c.rs takes Name from a/b.rs"),
        "{found:?}"
    );
}

/// Every circle, each as one text that names what ties it.
pub(crate) fn circles(imports: &Imports) -> Vec<String> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|file| (file.as_str(), reached(imports, file)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (file, reaches) in &reachable {
        if seen.contains(file) || !reaches.contains(file) {
            continue;
        }
        let circle: BTreeSet<&str> = reaches
            .iter()
            .copied()
            .filter(|other| reachable.get(other).is_some_and(|back| back.contains(file)))
            .collect();
        let mut text = String::from("a circle of imports:");
        for from in &circle {
            for (to, names) in &imports[*from] {
                if circle.contains(to.as_str()) {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let _ = write!(text, "\n  {from} takes {} from {to}", names.join(", "));
                }
            }
        }
        found.push(text);
        seen.extend(circle);
    }
    found
}

fn reached<'a>(imports: &'a Imports, file: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = vec![file];
    while let Some(file) = next.pop() {
        for other in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(other.as_str()) {
                next.push(other);
            }
        }
    }
    found
}

/// Reads the imports of a tree of (path below src, text).
pub(crate) fn imports(tree: &[(String, String)]) -> Imports {
    let modules: BTreeMap<Segments, &str> = tree
        .iter()
        .map(|(path, _)| (module(path), path.as_str()))
        .collect();
    let mut facades: BTreeMap<&str, Vec<(String, Segments)>> = BTreeMap::new();
    let mut paths: Vec<(&str, Segments)> = Vec::new();
    for (file, text) in tree {
        let here = module(file);
        let code = code(text)
            .map(|(_, line)| line)
            .collect::<Vec<_>>()
            .join("\n");
        let (uses, rest) = split_uses(&code);
        for (public, statement) in uses {
            for path in expanded(&statement) {
                let Some(path) = absolute(&path, &here, &modules) else {
                    continue;
                };
                let name = path.last().cloned().unwrap_or_default();
                let used = !public || has_word(&rest, &name);
                if public {
                    facades.entry(file).or_default().push((name, path.clone()));
                }
                if used {
                    paths.extend(named(path, &rest, &modules).map(|path| (file.as_str(), path)));
                }
            }
        }
        for path in paths_in_code(&rest) {
            paths.extend(absolute(&path, &here, &modules).map(|path| (file.as_str(), path)));
        }
    }
    let mut imports = Imports::new();
    for (file, path) in paths {
        if let Some((target, name)) = resolved(&path, &modules, &facades, 0)
            && target != file
        {
            let names = imports
                .entry(file.to_owned())
                .or_default()
                .entry(target.to_owned());
            names.or_default().insert(name);
        }
    }
    imports
}

/// What an imported path stands for: itself, or what the code takes from it where it is a module (`module::name`).
fn named(
    path: Segments,
    code: &str,
    modules: &BTreeMap<Segments, &str>,
) -> std::vec::IntoIter<Segments> {
    let Some(name) = path.last().filter(|_| modules.contains_key(&path)) else {
        return vec![path].into_iter();
    };
    let taken = paths_from(code, &format!("{name}::"))
        .into_iter()
        .map(|inner| {
            path.iter()
                .cloned()
                .chain(inner.into_iter().skip(1))
                .collect()
        });
    taken.collect::<Vec<_>>().into_iter()
}

/// The module path of a file: `run/state.rs` is `[run, state]`, `lib.rs` the root.
fn module(path: &str) -> Segments {
    let stem = path.trim_end_matches(".rs");
    if stem == "lib" || stem == "main" {
        return Vec::new();
    }
    stem.split('/').map(str::to_owned).collect()
}

/// The `use` statements of a file (whether public, without `use` and `;`), and the rest of its code.
fn split_uses(code: &str) -> (Vec<(bool, String)>, String) {
    let (mut uses, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let public = trimmed.starts_with("pub");
        let Some(at) = trimmed
            .find("use ")
            .filter(|at| *at == 0 || public && is_visibility(&trimmed[..*at]))
        else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut statement = trimmed[at + "use ".len()..].to_owned();
        while !statement.contains(';') {
            let Some(more) = lines.next() else { break };
            statement.push_str(more.trim());
        }
        uses.push((public, statement.trim_end_matches(';').to_owned()));
    }
    (uses, rest)
}

fn is_visibility(text: &str) -> bool {
    matches!(text.trim(), "pub" | "pub(crate)" | "pub(super)")
}

/// A `use` tree as single paths: `a::{self, b as c}` is `a` and `a::b`.
fn expanded(tree: &str) -> Vec<Segments> {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        return vec![segments(path)];
    };
    let prefix = segments(before);
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut part, mut parts) = (0_i32, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                part.push(c);
            }
        }
    }
    parts.push(part);
    let mut found = Vec::new();
    for part in parts.iter().filter(|part| !part.trim().is_empty()) {
        for inner in expanded(part) {
            let inner = if inner == ["self"] { Vec::new() } else { inner };
            found.push(prefix.iter().cloned().chain(inner).collect());
        }
    }
    found
}

fn segments(path: &str) -> Segments {
    let parts = path.split("::").map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The paths in code that begin at this crate: `crate::a::B::c`, `super::d::e`.
fn paths_in_code(code: &str) -> Vec<Segments> {
    let starts = ["crate::", "super::", "self::"];
    starts
        .iter()
        .flat_map(|start| paths_from(code, start))
        .collect()
}

/// The paths in code that begin with `start`.
fn paths_from(code: &str, start: &str) -> Vec<Segments> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$')
            || code[..at].ends_with("(in ")
        {
            continue;
        }
        let path: String = code[at..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
            .collect();
        found.push(segments(&path));
    }
    found
}

/// A path from the root of this crate; `None` for other crates.
fn absolute(
    path: &[String],
    here: &[String],
    modules: &BTreeMap<Segments, &str>,
) -> Option<Segments> {
    let (first, mut rest) = path.split_first()?;
    let mut base = here.to_vec();
    match first.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while rest.first().is_some_and(|it| it == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child => {
            base.push(child.to_owned());
            modules.contains_key(&base).then_some(())?;
        }
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// The file that defines what a path names, and the name taken from it.
fn resolved<'a>(
    path: &[String],
    modules: &BTreeMap<Segments, &'a str>,
    facades: &BTreeMap<&str, Vec<(String, Segments)>>,
    hops: usize,
) -> Option<(&'a str, String)> {
    let deepest = (0..=path.len())
        .rev()
        .find(|length| modules.contains_key(&path[..*length]))?;
    let file = modules[&path[..deepest]];
    let Some(name) = path.get(deepest) else {
        // The module itself: what is taken from it stands in the code, as `module::name`.
        return Some((file, path.last().cloned().unwrap_or_default()));
    };
    let handed_on = facades
        .get(file)
        .into_iter()
        .flatten()
        .find(|(other, _)| other == name);
    match handed_on {
        Some((_, target)) if hops < 8 && target != path => {
            resolved(target, modules, facades, hops + 1)
        }
        _ => Some((file, name.clone())),
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let apart = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        apart(text[..at].chars().next_back()) && apart(text[at + word.len()..].chars().next())
    })
}
