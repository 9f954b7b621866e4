//! Which commit is checked out, read from git's own files: no program has to be there, and nothing is trusted that
//! git would ask about first.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::event::is_hash;

/// Longest file of references that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The commit that `workspace` is at, if it is a checkout.
pub fn head(workspace: &Path) -> Option<String> {
    let git = git_folder(workspace)?;
    let head = read(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref:") else {
        return hash(&head);
    };
    let name = name.trim();
    // A worktree has its own HEAD; branches are in the repository that it belongs to.
    let common = match read(&git.join("commondir")) {
        Some(folder) => git.join(folder),
        None => git,
    };
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

/// A submodule and a worktree have a file in its place that says where it is.
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

/// The text of a file without blanks around it.
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

    #[test]
    fn finds_the_commit_in_every_kind_of_checkout() {
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
            assert_eq!(head(stage.path()).as_deref(), expected, "{files:?}");
        }
    }
}
