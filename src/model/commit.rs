//! Commit hashes.

/// The first ten characters of a commit hash, for messages.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
