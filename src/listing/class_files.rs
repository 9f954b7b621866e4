//! The test classes that a project of Java has compiled: `SUITE<tab>CLASS` on each line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::preset::{ClassFile, ClassFolders};

/// Deepest folder that is looked into.
const DEEPEST: usize = 16;
/// Most files and folders that are looked at.
const MOST: usize = 200_000;

/// The lines, sorted. A line without a suite says what cannot be read. Blocks on the file system.
pub(super) fn lines(place: &Path, folders: &ClassFolders) -> Vec<String> {
    let mut lines = Vec::new();
    let mut files = Files::default();
    files.below(place, "", 0);
    for (path, below) in &files.found {
        let inside = folders
            .folders
            .iter()
            .find_map(|folder| inside(below, folder));
        let Some((module, name)) = inside else {
            continue;
        };
        let simple = name.rsplit('/').next().unwrap_or(name);
        let Some(simple) = simple.strip_suffix(".class") else {
            continue;
        };
        if simple.contains('$') || !(folders.is_test)(simple) {
            continue;
        }
        let read = fs::read(path).map_err(|error| error.to_string());
        let class = read.and_then(|bytes| ClassFile::read(&bytes).map_err(|it| it.to_string()));
        match class {
            Ok(class) => {
                let inner = format!("{}$", below.trim_end_matches(".class"));
                let has_inner = files.found.iter().any(|(_, it)| it.starts_with(&inner));
                if let Some(name) = class.test_class(has_inner) {
                    lines.push(format!("{module}{}\t{name}", folders.suite));
                }
            }
            Err(why) => lines.push(format!("\t{below}: {why}")),
        }
    }
    lines.sort();
    lines
}

/// The folder of the module, with `/` at its end, and the rest of the path of a file that is below a folder of classes.
fn inside<'a>(path: &'a str, folder: &str) -> Option<(&'a str, &'a str)> {
    let (module, rest) = path.split_once(folder)?;
    let is_folder = module.is_empty() || module.ends_with('/');
    Some((module, rest.strip_prefix('/').filter(|_| is_folder)?))
}

/// Class files, with their paths relative to the place, with `/`.
#[derive(Default)]
struct Files {
    found: Vec<(PathBuf, String)>,
    looked_at: usize,
}

impl Files {
    fn below(&mut self, folder: &Path, path: &str, depth: usize) {
        // One that may not be read has nothing to tell.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            self.looked_at += 1;
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
                continue;
            };
            let is_foreign = name.starts_with('.') || name == "node_modules";
            if self.looked_at > MOST || is_foreign {
                continue;
            }
            let below = format!("{path}{name}");
            if kind.is_dir() && depth < DEEPEST {
                self.below(&entry.path(), &format!("{below}/"), depth + 1);
            } else if kind.is_file() && name.strip_suffix(".class").is_some() {
                self.found.push((entry.path(), below));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_is_what_stands_before_the_folder_of_classes() {
        let folder = "target/test-classes";
        let found = |path| inside(path, folder);
        assert_eq!(
            found("target/test-classes/p/A.class"),
            Some(("", "p/A.class"))
        );
        assert_eq!(
            found("a/b/target/test-classes/A.class"),
            Some(("a/b/", "A.class"))
        );
        assert_eq!(found("my-target/test-classes/A.class"), None);
        assert_eq!(found("target/test-classes-old/A.class"), None);
    }
}
