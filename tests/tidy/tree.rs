//! The source files, and their lines without comments and tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every source file as (path below src, text).
pub(crate) fn sources() -> Vec<(String, String)> {
    let found = sources_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(found.len() > 20, "the sources are found");
    found
}

/// The same for another folder.
pub(crate) fn sources_below(root: &Path) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root)
                .expect("below src")
                .to_string_lossy()
                .replace('\\', "/");
            (name, fs::read_to_string(&path).expect("sources are text"))
        })
        .collect()
}

/// The lines before the tests, without comments, with their numbers.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

/// The same, with each `use` on one line.
pub(crate) fn statements(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut in_use = false;
    for (number, line) in code(text) {
        match found.last_mut() {
            Some((_, statement)) if in_use => statement.push_str(line.trim()),
            _ => found.push((number, line.to_owned())),
        }
        let begins =
            line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ");
        in_use = (in_use || begins) && !line.ends_with(';');
    }
    found
}
