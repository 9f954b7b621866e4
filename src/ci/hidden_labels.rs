//! The hidden labels by which Test Center shows revision and branch of results, and links back to the run.

use super::ci_info::{Ci, CiSystem};
use crate::model::Label;

impl Ci {
    /// `.git.revision`, `.git.branch` and `.reference.url`, if the CI has them and a label can hold them.
    pub(crate) fn hidden_labels(&self) -> Vec<Label> {
        let run = self.run_url.as_deref().map(|url| {
            let number = self.run_id.as_deref().unwrap_or_default();
            let title = match self.system {
                CiSystem::None => "run".to_owned(),
                system => format!("{system} {number}").trim().to_owned(),
            };
            // A bracket would end the title.
            let title = title.replace(['[', ']'], "");
            format!("[{title}]({url})")
        });
        [
            (".git.revision", self.commit.clone()),
            (".git.branch", self.branch.clone()),
            (".reference.url", run),
        ]
        .into_iter()
        .filter_map(|(key, value)| Label::new(key, &value?).ok())
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_what_the_ci_knows() {
        let ci = Ci {
            system: CiSystem::GitHubActions,
            commit: Some("11c02e5a9f0b".to_owned()),
            branch: Some("feature/a,b".to_owned()),
            run_id: Some("123".to_owned()),
            run_url: Some("https://github.com/o/r/actions/runs/123".to_owned()),
            ..Ci::default()
        };
        let shown: Vec<String> = ci.hidden_labels().iter().map(Label::to_string).collect();
        assert_eq!(
            shown,
            [
                ".git.revision=11c02e5a9f0b",
                ".reference.url=[GitHub Actions 123](https://github.com/o/r/actions/runs/123)"
            ]
        );
        assert!(Ci::default().hidden_labels().is_empty());
    }
}
