//! Decides whether a result may be published on a commit, by the commits that the workers tested.
//!
//! A result of another commit is never published, neither a failure nor a success. If no worker knows what it tested, only a
//! success is withheld: a failure lets nothing through, and its cause is worth seeing.

use std::collections::BTreeSet;

use crate::{exit_code::Conclusion, model::record::Checkout, text::short_commit};

/// Most commits that a message names.
const MOST_NAMED: usize = 4;

/// The tested commits, compared with the one to publish on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tested {
    /// This commit, or GitHub's merge of it.
    This,
    /// Another one, or several.
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

/// Why a result must not be published on a commit, and how to choose another.
pub(super) fn refusal(commit: &str, tested: &Tested, conclusion: Conclusion) -> Option<String> {
    let choose = "choose the commit with --report-commit (input report-commit)";
    let place = short_commit(commit);
    match tested {
        Tested::Other(commits) => Some(format!(
            "tests ran at {}, so the result is not one of {place}; check out {place} where tests run, or {choose}",
            named(commits)
        )),
        Tested::Unknown if conclusion == Conclusion::Passed => Some(format!(
            "tests ran where no checkout was found, so nothing shows that they tested {place}; check out {place} there, or \
             {choose}"
        )),
        Tested::This | Tested::Unknown => None,
    }
}

/// The first commits, shortened.
fn named(commits: &[String]) -> String {
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
        reason = "the table has workers without a checkout, too"
    )]
    fn at(commit: &str) -> Option<Checkout> {
        Some(Checkout {
            commit: commit.to_owned(),
            stands_for: (commit == MERGE).then(|| HEAD.to_owned()),
        })
    }

    #[test]
    fn result_is_published_only_on_the_commit_of_every_worker() {
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
    fn refusal_names_the_tested_commits_and_the_cure() {
        let said = refusal(
            HEAD,
            &compare(HEAD, &BTreeSet::from([at(ELSE)])),
            Conclusion::Passed,
        );
        assert_eq!(
            said.unwrap(),
            "tests ran at dddddddddd, so the result is not one of bbbbbbbbbb; check out bbbbbbbbbb where tests run, or \
             choose the commit with --report-commit (input report-commit)"
        );
        let many: Vec<String> = (0..6).map(|digit| digit.to_string().repeat(40)).collect();
        assert!(named(&many).ends_with("3333333333 and 2 more commits"));
    }
}
