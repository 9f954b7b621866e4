//! Finds the commit that is checked out by reading git's files, so that git need not be installed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::github_event::is_hash;

/// Longest file of references that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Most folders of a workspace that are looked into for a checkout.
const MOST_FOLDERS: usize = 256;

/// Where to look for the checkout that tests run in, and how to recognise it.
#[derive(Clone, Copy, Debug)]
pub struct CheckoutSearch<'a> {
    /// Absolute folders that tests run in or are described in, in order of preference.
    pub folders: &'a [PathBuf],
    /// The CI's folder for the job. Its parents are not searched: a runner may be installed in a checkout.
    pub workspace: Option<&'a Path>,
    /// The repository of the run, as `owner/name`. A checkout of another one counts only if there is no other.
    pub repository: Option<&'a str>,
    /// Commits of the run. A checkout at one of them counts with any remote, such as a fork.
    pub commits: &'a [&'a str],
}

/// The commit of the checkout that tests run in. `None` if there is no checkout, if its commit cannot be read, or if tests run
/// beside several checkouts at different commits.
pub fn find(search: CheckoutSearch<'_>) -> Option<String> {
    let workspace = search.workspace.map(resolved);
    let mut foreign = None;
    for folder in search.folders {
        let folder = resolved(folder);
        for place in folder.ancestors() {
            if let Some(git) = git_folder(place) {
                // A parent folder would be another checkout.
                let commit = commit_of(&git)?;
                if search.is_own(&git, &commit) {
                    return Some(commit);
                }
                foreign.get_or_insert(commit);
            }
            if workspace.as_deref() == Some(place) {
                break;
            }
        }
    }
    foreign.or_else(|| search.below(&workspace?))
}

impl CheckoutSearch<'_> {
    /// The single commit of the checkouts in the folders of a workspace.
    fn below(&self, workspace: &Path) -> Option<String> {
        let folders = fs::read_dir(workspace).ok()?.take(MOST_FOLDERS);
        let gits = folders.filter_map(|folder| git_folder(&folder.ok()?.path()));
        let commits = gits.filter_map(|git| Some((commit_of(&git)?, git)));
        let own = commits.filter(|(commit, git)| self.is_own(git, commit));
        let own: BTreeSet<String> = own.map(|(commit, _)| commit).collect();
        (own.len() == 1).then(|| own.into_iter().next())?
    }

    fn is_own(&self, git: &Path, commit: &str) -> bool {
        let same = |repository: &str| match origin(git) {
            Some(origin) => origin.eq_ignore_ascii_case(repository),
            None => true,
        };
        self.commits.contains(&commit) || self.repository.is_none_or(same)
    }
}

fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The commit of a git folder's `HEAD`.
fn commit_of(git: &Path) -> Option<String> {
    let head = read(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref:") else {
        return hash(&head);
    };
    let name = name.trim();
    let common = common(git);
    let is_plain =
        name.starts_with("refs/") && !name.split('/').any(|part| part.is_empty() || part == "..");
    if !is_plain {
        return None;
    }
    match read(&common.join(name)) {
        Some(text) => hash(&text),
        None => packed(&read(&common.join("packed-refs"))?, name),
    }
}

/// A worktree has its own HEAD, but the branches and settings of its repository.
fn common(git: &Path) -> PathBuf {
    match read(&git.join("commondir")) {
        Some(folder) => git.join(folder),
        None => git.to_owned(),
    }
}

/// The repository of the remote `origin`, as `owner/name`. `None` without a remote or for a folder.
fn origin(git: &Path) -> Option<String> {
    let config = read(&common(git).join("config"))?;
    let lines = config.lines().map(str::trim);
    let section = lines
        .skip_while(|line| *line != "[remote \"origin\"]")
        .skip(1);
    let mut section = section.take_while(|line| !line.starts_with('['));
    let url = section.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "url").then(|| value.trim())
    })?;
    let path = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest,
        // The ssh form: `git@host:owner/name`. A Windows drive has one letter.
        None => url.split_once(':').filter(|(host, _)| host.len() > 1)?.1,
    };
    let path = path.trim_end_matches('/');
    let mut parts = path.strip_suffix(".git").unwrap_or(path).rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{name}"))
}

/// In a submodule or worktree, `.git` is a file that names the folder.
fn git_folder(workspace: &Path) -> Option<PathBuf> {
    let git = workspace.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let place = read(&git)?;
    Some(workspace.join(place.strip_prefix("gitdir:")?.trim()))
}

fn packed(file: &str, name: &str) -> Option<String> {
    let mut lines = file.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(_, packed)| *packed == name)
        .and_then(|(commit, _)| hash(commit))
}

fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    is_hash(text).then(|| text.to_owned())
}

/// The trimmed text of a small file.
fn read(path: &Path) -> Option<String> {
    let is_small = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
    let text = is_small.then(|| fs::read_to_string(path).ok())??;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "11c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234";

    type Files<'a> = &'a [(&'a str, &'a str)];

    /// A folder with these files.
    fn stage(files: Files<'_>) -> tempfile::TempDir {
        let stage = tempfile::tempdir().unwrap();
        for (name, text) in files {
            crate::fs::write_atomic(&stage.path().join(name), text.as_bytes()).unwrap();
        }
        stage
    }

    /// The commit of tests that run in `folder` of a workspace of `o/r`.
    fn at(workspace: &tempfile::TempDir, folder: &str, known: &str) -> Option<String> {
        find(CheckoutSearch {
            folders: &[workspace.path().join(folder)],
            workspace: Some(workspace.path()),
            repository: Some("o/r"),
            commits: &[known],
        })
    }

    #[test]
    fn the_checkout_that_tests_run_in_decides() {
        let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(40));
        let of = |url: &str| {
            format!("[core]\n\tbare = false\n[remote \"origin\"]\n\turl = {url}\n[x]\n")
        };
        let (own, other) = (
            of("https://ghe.example/O/R"),
            of("git@github.com:them/else.git"),
        );
        let table: [(&str, Files<'_>, &str, &str, Option<&str>); 13] = [
            (
                "a folder of it",
                &[(".git/HEAD", &a)],
                "sub/deep",
                "",
                Some(&a),
            ),
            (
                "the innermost",
                &[(".git/HEAD", &a), ("app/.git/HEAD", &b), ("app/t/x", "")],
                "app/t",
                "",
                Some(&b),
            ),
            (
                "in a folder beside",
                &[("app/.git/HEAD", &b), ("t/x", "")],
                "t",
                "",
                Some(&b),
            ),
            (
                "two at one commit",
                &[("app/.git/HEAD", &b), ("lib/.git/HEAD", &b)],
                "",
                "",
                Some(&b),
            ),
            (
                "two that differ",
                &[("app/.git/HEAD", &a), ("lib/.git/HEAD", &b)],
                "",
                "",
                None,
            ),
            ("none", &[("t/x", "")], "t", "", None),
            (
                "one that cannot be read",
                &[
                    (".git/HEAD", &a),
                    ("t/.git/HEAD", "ref: refs/heads/.invalid"),
                ],
                "t",
                "",
                None,
            ),
            (
                "tests of another repository beside ours",
                &[
                    (".git/HEAD", &a),
                    (".git/config", &own),
                    ("t/.git/HEAD", &c),
                    ("t/.git/config", &other),
                ],
                "t",
                "",
                Some(&a),
            ),
            (
                "a submodule of ours",
                &[
                    (".git/HEAD", &a),
                    ("t/.git", "gitdir: ../.git/modules/t\n"),
                    (".git/modules/t/HEAD", &c),
                    (".git/modules/t/config", &other),
                ],
                "t",
                "",
                Some(&a),
            ),
            (
                "another repository alone",
                &[(".git/HEAD", &c), (".git/config", &other)],
                "",
                "",
                Some(&c),
            ),
            (
                "the head of a fork",
                &[
                    (".git/HEAD", &a),
                    ("pr/.git/HEAD", &c),
                    ("pr/.git/config", &other),
                ],
                "pr",
                &c,
                Some(&c),
            ),
            (
                "a clone of a folder",
                &[
                    (".git/HEAD", &c),
                    (".git/config", &of("/srv/mirror/else.git")),
                ],
                "",
                "",
                Some(&c),
            ),
            (
                "ours in a folder, another one around it",
                &[
                    (".git/HEAD", &c),
                    (".git/config", &other),
                    ("app/.git/HEAD", &b),
                    ("app/.git/config", &own),
                ],
                "app",
                "",
                Some(&b),
            ),
        ];
        for (what, files, folder, known, expected) in table {
            let stage = stage(files);
            fs::create_dir_all(stage.path().join(folder)).unwrap();
            assert_eq!(at(&stage, folder, known).as_deref(), expected, "{what}");
        }
        // What encloses the workspace is not looked at.
        let outer = stage(&[(".git/HEAD", &a), ("work/t/x", "")]);
        let work = outer.path().join("work");
        let inside = |workspace| {
            find(CheckoutSearch {
                folders: &[work.join("t")],
                workspace,
                repository: None,
                commits: &[],
            })
        };
        assert_eq!(inside(Some(&work)), None);
        assert_eq!(inside(None), Some(a));
    }

    #[test]
    fn commit_is_found_in_every_kind_of_checkout() {
        let packed = format!(
            "# pack-refs with: peeled\n{SHA} refs/heads/main\n^{}\n",
            "0".repeat(40)
        );
        let line = format!("{SHA}\n");
        let table: [(Files<'_>, Option<&str>); 8] = [
            (&[(".git/HEAD", &line)], Some(SHA)),
            (
                &[
                    (".git/HEAD", "ref: refs/heads/a/b\n"),
                    (".git/refs/heads/a/b", &line),
                ],
                Some(SHA),
            ),
            (
                &[
                    (".git/HEAD", "ref: refs/heads/main\n"),
                    (".git/packed-refs", &packed),
                ],
                Some(SHA),
            ),
            (&[(".git", "gitdir: ../up/here\n")], None),
            (
                &[(".git", "gitdir: real\n"), ("real/HEAD", &line)],
                Some(SHA),
            ),
            (
                &[
                    (".git", "gitdir: main/worktrees/x\n"),
                    ("main/worktrees/x/HEAD", "ref: refs/heads/x\n"),
                    ("main/worktrees/x/commondir", "../..\n"),
                    ("main/refs/heads/x", &line),
                ],
                Some(SHA),
            ),
            (
                &[(".git/HEAD", "ref: refs/../../secret\n"), ("secret", &line)],
                None,
            ),
            (&[], None),
        ];
        for (files, expected) in table {
            let stage = stage(files);
            assert_eq!(at(&stage, "", "").as_deref(), expected, "{files:?}");
        }
    }
}
