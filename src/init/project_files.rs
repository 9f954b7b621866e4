//! The files of a project, as far as they tell its test tools.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Deepest folder that is looked into.
const DEEPEST: usize = 6;
/// Most files that are looked at: a project that has more is recognised by those found first.
const MOST: usize = 50_000;
/// Largest file that is read.
const LARGEST: u64 = 1024 * 1024;
/// Folders with nothing of the project's own.
const FOREIGN: [&str; 9] = [
    "node_modules",
    "target",
    "venv",
    "env",
    "vendor",
    "third_party",
    "__pycache__",
    "site-packages",
    "testplan-out",
];

/// The files of a project.
#[derive(Debug)]
pub(super) struct ProjectFiles {
    root: PathBuf,
    /// Relative, with `/`.
    paths: BTreeSet<String>,
}

impl ProjectFiles {
    /// Looks into a folder and those below it, except hidden ones.
    pub(super) fn scan(root: &Path) -> io::Result<Self> {
        let mut paths = BTreeSet::new();
        let mut open = vec![(root.to_owned(), String::new(), 0)];
        while let Some((folder, below, depth)) = open.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(error) if depth == 0 => return Err(error),
                // One that may not be read has nothing to tell.
                entries => entries.into_iter().flatten().flatten(),
            };
            for entry in entries {
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let path = format!("{below}{name}");
                // Links may lead around in circles.
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let is_foreign = name.starts_with('.') || FOREIGN.contains(&name.as_str());
                if kind.is_dir() && depth < DEEPEST && !is_foreign {
                    open.push((entry.path(), format!("{path}/"), depth + 1));
                } else if kind.is_file() && paths.len() < MOST {
                    paths.insert(path);
                }
            }
        }
        Ok(Self {
            root: root.to_owned(),
            paths,
        })
    }

    /// The root, and each folder with one of these files, outer ones first.
    pub(super) fn folders_with(&self, manifests: &[&str]) -> Vec<Folder<'_>> {
        let mut folders = BTreeSet::from([""]);
        for path in &self.paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if manifests.contains(&name) {
                folders.insert(folder);
            }
        }
        let paths: Vec<&str> = folders.into_iter().collect();
        let mut folders = Vec::with_capacity(paths.len());
        for &path in &paths {
            let inner = paths.iter().copied().filter(|it| is_below(it, path));
            folders.push(Folder {
                files: self,
                path,
                inner: inner.collect(),
            });
        }
        folders
    }
}

/// A folder of a project.
#[derive(Clone, Debug)]
pub(super) struct Folder<'a> {
    files: &'a ProjectFiles,
    /// Relative to the project, with `/`; empty for the project itself.
    pub(super) path: &'a str,
    /// The folders below it that are projects of their own.
    inner: Vec<&'a str>,
}

impl<'a> Folder<'a> {
    /// Whether it has a file, hidden ones included.
    pub(super) fn has(&self, name: &str) -> bool {
        self.place().join(name).exists()
    }

    /// The first of these files that it has.
    pub(super) fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// The text of a file; `None` if it is not there, too large or no text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let path = self.place().join(name);
        let is_small = fs::metadata(&path).is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
        is_small.then(|| fs::read_to_string(path).ok()).flatten()
    }

    /// The files in it and below it, relative to it. Those of projects below it are theirs.
    pub(super) fn files(&self) -> impl Iterator<Item = &'a str> {
        let inside = |file: &'a String| match self.path {
            "" => Some(file.as_str()),
            path => file.strip_prefix(path)?.strip_prefix('/'),
        };
        let is_own = |file: &&String| !self.inner.iter().any(|inner| is_below(file, inner));
        self.files.paths.iter().filter(is_own).filter_map(inside)
    }

    fn place(&self) -> PathBuf {
        self.files.root.join(self.path)
    }
}

/// Whether a path is inside of a folder; all are inside of the project, whose path is empty.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    match folder {
        "" => !path.is_empty(),
        folder => path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/')),
    }
}

/// The name of a file without its folders.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether a file has an extension, to the letter.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    let (_, found) = base_name(path).rsplit_once('.').unwrap_or_default();
    found == extension
}

/// The first folder of a path; `None` if the file is in no folder.
pub(super) fn first_folder(path: &str) -> Option<&str> {
    path.split_once('/').map(|(folder, _)| folder)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A project with these files.
    #[expect(clippy::disallowed_methods, reason = "makes a project for a test")]
    pub(in crate::init) fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn foreign_and_hidden_folders_are_left_out() {
        let folder = project(&[
            ("a/package.json", "{}"),
            ("node_modules/x/package.json", "{}"),
            (".venv/lib/test_x.py", ""),
            ("a/b/c.py", "text"),
        ]);
        let files = ProjectFiles::scan(folder.path()).unwrap();
        let folders = files.folders_with(&["package.json"]);
        let paths: Vec<&str> = folders.iter().map(|it| it.path).collect();
        assert_eq!(paths, ["", "a"]);
        assert_eq!(
            folders[1].files().collect::<Vec<_>>(),
            ["b/c.py", "package.json"]
        );
        assert_eq!(folders[1].text("b/c.py").as_deref(), Some("text"));
        assert!(folders[0].has(".venv"));
    }
}
