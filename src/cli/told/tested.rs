//! Whether the commit that GitHub would show a result on is the one that was tested. Plain functions.
//!
//! A result of another commit is wrong there, a failure as much as a success, so neither is published. Where no worker
//! says what it tested, only a success is held back: a failure lets nothing through, and its cause is worth seeing.

use std::collections::BTreeSet;

use crate::{exit_code::Conclusion, model::record::Checkout, text::short_commit};

/// Most commits that a message names.
const MOST_NAMED: usize = 4;

/// How what was tested stands to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tested {
    /// It is this commit, or the merge that GitHub made of it.
    This,
    /// It is another one; or several, of which this may be one.
    Other(Vec<String>),
    /// Tests ran outside of any checkout.
    Unknown,
}

/// Compares a commit with those that tests ran at; `None` stands for tests outside of any checkout.
pub(super) fn compare(commit: &str, checkouts: &BTreeSet<Option<Checkout>>) -> Tested {
    let known: BTreeSet<&Checkout> = checkouts.iter().flatten().collect();
    let commits: BTreeSet<&str> = known.iter().map(|it| it.commit.as_str()).collect();
    if commits.len() > 1 || known.iter().any(|checkout| !checkout.is_of(commit)) {
        return Tested::Other(commits.into_iter().map(str::to_owned).collect());
    }
    if known.is_empty() || checkouts.contains(&None) {
        return Tested::Unknown;
    }
    Tested::This
}

/// Why a result must not be shown on a commit, and how to choose another; `None` if it may.
pub(super) fn refusal(commit: &str, tested: &Tested, conclusion: Conclusion) -> Option<String> {
    let choose = "choose the commit with --report-commit (input report-commit)";
    let place = short_commit(commit);
    match tested {
        Tested::Other(commits) => Some(format!(
            "tests ran at {}, so the result is none of {place}; check out {place} where tests run, or {choose}",
            named(commits)
        )),
        Tested::Unknown if conclusion == Conclusion::Passed => Some(format!(
            "tests ran where no checkout was found, so nothing shows that they tested {place}; check out {place} there, or \
             {choose}"
        )),
        Tested::This | Tested::Unknown => None,
    }
}

/// Some commits in short.
pub(super) fn named(commits: &[String]) -> String {
    let shown: Vec<&str> = commits
        .iter()
        .take(MOST_NAMED)
        .map(|commit| short_commit(commit))
        .collect();
    let more = match commits.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more commits"),
    };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const MERGE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const ELSE: &str = "dddddddddddddddddddddddddddddddddddddddd";

    #[expect(
        clippy::unnecessary_wraps,
        reason = "workers without a checkout stand beside"
    )]
    fn at(commit: &str) -> Option<Checkout> {
        Some(Checkout {
            commit: commit.to_owned(),
            stands_for: (commit == MERGE).then(|| HEAD.to_owned()),
        })
    }

    #[test]
    fn a_result_counts_for_the_commit_that_every_worker_ran_at() {
        use Conclusion::{Failed, Passed};
        let other =
            |commits: &[&str]| Tested::Other(commits.iter().map(|it| (*it).to_owned()).collect());
        for (checkouts, tested, passed, failed) in [
            (vec![at(HEAD)], Tested::This, true, true),
            (vec![at(MERGE)], Tested::This, true, true),
            (vec![at(ELSE)], other(&[ELSE]), false, false),
            (vec![at(HEAD), at(ELSE)], other(&[HEAD, ELSE]), false, false),
            // The merge holds more than the head: the two are not one revision.
            (
                vec![at(HEAD), at(MERGE)],
                other(&[MERGE, HEAD]),
                false,
                false,
            ),
            (vec![at(ELSE), None], other(&[ELSE]), false, false),
            (vec![at(HEAD), None], Tested::Unknown, false, true),
            (vec![None], Tested::Unknown, false, true),
            (vec![], Tested::Unknown, false, true),
        ] {
            let found = compare(HEAD, &checkouts.iter().cloned().collect());
            assert_eq!(found, tested, "{checkouts:?}");
            let published = [Passed, Failed].map(|end| refusal(HEAD, &found, end).is_none());
            assert_eq!(published, [passed, failed], "{checkouts:?}");
        }
        let set = BTreeSet::from([at(HEAD)]);
        assert_eq!(compare(&HEAD[..10], &set), Tested::This);
        assert_eq!(compare(&HEAD.to_uppercase(), &set), Tested::This);
        assert_eq!(compare("", &set), other(&[HEAD]));
    }

    #[test]
    fn a_refusal_names_what_was_tested_and_the_cure() {
        let said = refusal(
            HEAD,
            &compare(HEAD, &BTreeSet::from([at(ELSE)])),
            Conclusion::Passed,
        );
        assert_eq!(
            said.unwrap(),
            "tests ran at dddddddddd, so the result is none of bbbbbbbbbb; check out bbbbbbbbbb where tests run, or \
             choose the commit with --report-commit (input report-commit)"
        );
        let many: Vec<String> = (0..6).map(|digit| digit.to_string().repeat(40)).collect();
        assert!(named(&many).ends_with("3333333333 and 2 more commits"));
    }
}
