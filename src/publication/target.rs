//! Repository, token and commit to publish on, from the environment of a step.

use secrecy::SecretString;

use crate::{
    ci::{
        Ci,
        github::{self, Address, GitHub, GitHubPatience, PublishError},
    },
    config::environment::Environment,
};

/// GitHub's token.
const TOKEN: &str = "GITHUB_TOKEN";
/// `owner/name`.
const REPOSITORY: &str = "GITHUB_REPOSITORY";
/// Base of the API, on GitHub Enterprise.
const API_URL: &str = "GITHUB_API_URL";

#[derive(Debug)]
pub(crate) struct Target {
    token: SecretString,
    pub(crate) address: Address,
    pub(crate) commit: String,
}

impl Target {
    /// The target of a step; the error says which part is missing or malformed, and what to do.
    pub(crate) fn find(
        report_commit: Option<&String>,
        environment: &Environment,
        ci: &Ci,
        is_action: bool,
    ) -> Result<Self, String> {
        let (Some(token), Some(repository)) = (environment.get(TOKEN), environment.get(REPOSITORY))
        else {
            let missing = [TOKEN, REPOSITORY]
                .into_iter()
                .filter(|name| environment.get(name).is_none());
            let missing: Vec<&str> = missing.collect();
            let cure = if is_action {
                "leave the input github-token out for the job's own token"
            } else {
                "a step of GitHub Actions has them with `env: GITHUB_TOKEN: ${{ github.token }}`"
            };
            return Err(format!("{} not set; {cure}", missing.join(", ")));
        };
        let Some(commit) = report_commit.or(ci.report_on.as_ref()) else {
            let why = ci.event_warnings.first().map_or_else(
                || "the event of this step names none; pass --report-commit".to_owned(),
                ToString::to_string,
            );
            return Err(format!("cannot tell which commit to report on: {why}"));
        };
        let api = environment.get(API_URL).unwrap_or(github::API);
        Ok(Self {
            token: SecretString::from(token.trim()),
            address: Address::new(api, repository).map_err(|error| error.to_string())?,
            commit: commit.clone(),
        })
    }

    /// Sends nothing yet.
    pub(crate) fn connect(&self, patience: GitHubPatience) -> Result<GitHub, PublishError> {
        GitHub::new(&self.address, &self.token, patience)
    }
}

/// Whether the environment has a token.
pub(crate) fn has_token(environment: &Environment) -> bool {
    environment.get(TOKEN).is_some()
}
