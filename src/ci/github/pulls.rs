//! Which pull request a commit belongs to.

use serde::Deserialize;

use super::{GitHub, PublishError, tries::Budget};

#[derive(Deserialize)]
struct Pull {
    number: u64,
    #[serde(default)]
    state: String,
    #[serde(default)]
    head: Head,
}

#[derive(Default, Deserialize)]
struct Head {
    #[serde(default)]
    sha: String,
}

impl GitHub {
    /// The open pull request that has this commit, best as its head. `None` if there is none: a commit that is merged
    /// belongs to nobody who waits for it.
    pub async fn pull_request_of(&self, commit: &str) -> Result<Option<u64>, PublishError> {
        let commit = super::address::commit(commit)?;
        let path = format!("/commits/{commit}/pulls?per_page=100");
        let budget = Budget::start(self.patience);
        let pulls = budget.persist(|| self.get(budget, &path)).await?;
        Ok(choose(pulls, commit))
    }
}

fn choose(mut pulls: Vec<Pull>, commit: &str) -> Option<u64> {
    pulls.retain(|pull| pull.state == "open");
    let head = pulls.iter().find(|pull| pull.head.sha == commit);
    head.or(pulls.first()).map(|pull| pull.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_an_open_one_comes_first() {
        let pulls = |text: &str| serde_json::from_str::<Vec<Pull>>(text).unwrap();
        let table = [
            ("[]", None),
            (
                r#"[{"number":1,"state":"closed","head":{"sha":"abc"}}]"#,
                None,
            ),
            (r#"[{"number":1,"state":"open"}]"#, Some(1)),
            (
                r#"[{"number":1,"state":"open","head":{"sha":"x"}},{"number":2,"state":"open","head":{"sha":"abc"}}]"#,
                Some(2),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(choose(pulls(text), "abc"), expected, "{text}");
        }
    }
}
