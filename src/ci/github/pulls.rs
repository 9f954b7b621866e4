//! Finds the pull request of a commit.

use serde::Deserialize;

use super::{api_client::GitHub, publish_error::PublishError, retries::Budget};

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
    /// The open pull request that has this commit, preferably as its head.
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
    fn open_pull_request_with_this_head_wins() {
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
