//! `--commit-status`: GitHub is told what a report came to. Whatever becomes of that, the exit code stays.

use secrecy::SecretString;

use super::{
    args::GitHubArgs,
    failure::{Ended, Failure},
    screen::Screen,
};
use crate::{
    ci::{
        Ci,
        github::{self, Address, Ask, CommitStatus, GitHub, Patience, State},
    },
    client,
    config::environment::Environment,
    exit_code::Conclusion,
    report::{Report, sanitise::console_line, status_line::status_line},
};

/// GitHub's token.
const TOKEN: &str = "GITHUB_TOKEN";
/// `owner/name`.
const REPOSITORY: &str = "GITHUB_REPOSITORY";
/// The API's base, on GitHub Enterprise.
const API_URL: &str = "GITHUB_API_URL";
/// Most of what GitHub says that is shown, in bytes.
const MAX_WARNING: usize = 1000;

/// What is told, and how long GitHub is waited for.
#[derive(Debug)]
pub struct Told<'a> {
    /// The counts.
    pub report: &'a Report,
    /// How the command ends: a report that could not be written is no success.
    pub ended: &'a Ended,
    /// How long GitHub is waited for.
    pub patience: Patience,
}

/// Sets the status if it was asked for. A refusal is one line of warning.
pub async fn tell(args: &GitHubArgs, told: Told<'_>, environment: &Environment, screen: &Screen) {
    let by_default = screen.step().is_action() && !args.check_run.unwrap_or_default();
    if !args.commit_status.unwrap_or(by_default) {
        return;
    }
    match set(args, told, environment).await {
        Ok(line) => screen.say(&line),
        Err(lines) => lines.iter().for_each(|line| insist(line, screen)),
    }
}

/// Says that the status was not set.
pub fn warn(why: &str, screen: &Screen) {
    insist(&format!("commit status not set: {why}"), screen);
}

fn insist(line: &str, screen: &Screen) {
    screen.insist(&format!("warning: {}", console_line(line, MAX_WARNING)));
}

/// Gives what was set, or what to warn of.
async fn set(
    args: &GitHubArgs,
    told: Told<'_>,
    environment: &Environment,
) -> Result<String, Vec<String>> {
    let ci = Ci::detect(environment.lookup());
    let (token, address, commit) =
        target(environment, &ci).map_err(|why| vec![format!("{} not set: {why}", Ask::Status)])?;
    let conclusion = match told.ended {
        Ok(conclusion) | Err(Failure { conclusion, .. }) => *conclusion,
    };
    let status = CommitStatus {
        state: state(conclusion),
        context: args.status_context.clone(),
        description: status_line(told.report, conclusion),
        // GitHub refuses a status with another kind of link.
        target_url: ci
            .run_url
            .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
    };
    client::install_tls_provider();
    let set = async {
        let github = GitHub::new(&address, &token, told.patience)?;
        github.set_status(&commit, &status).await
    };
    let short = commit.get(..10).unwrap_or(&commit);
    match set.await {
        Ok(()) => Ok(format!(
            "commit status {} set on {address}@{short}",
            status.state
        )),
        Err(why) => Err(github::notices(
            &address,
            &[(Ask::Status, why)],
            ci.read_only,
        )),
    }
}

/// Token, address and commit, or what of them is missing or wrong.
fn target(environment: &Environment, ci: &Ci) -> Result<(SecretString, Address, String), String> {
    let (token, repository) = (environment.get(TOKEN), environment.get(REPOSITORY));
    let (Some(token), Some(repository), Some(commit)) = (token, repository, &ci.report_on) else {
        let missing = [
            (token.is_none(), TOKEN),
            (repository.is_none(), REPOSITORY),
            (
                ci.report_on.is_none(),
                "the commit under test (GITHUB_SHA in GitHub Actions)",
            ),
        ];
        let missing: Vec<&str> = missing
            .iter()
            .filter(|(is_missing, _)| *is_missing)
            .map(|(_, name)| *name)
            .collect();
        return Err(format!(
            "{} not known; a step of GitHub Actions has them with `env: GITHUB_TOKEN: ${{{{ github.token }}}}`",
            missing.join(", ")
        ));
    };
    let api = environment.get(API_URL).unwrap_or(github::API);
    let address = Address::new(api, repository).map_err(|error| error.to_string())?;
    Ok((SecretString::from(token.trim()), address, commit.clone()))
}

fn state(conclusion: Conclusion) -> State {
    match conclusion {
        Conclusion::Passed => State::Success,
        Conclusion::Failed => State::Failure,
        Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::NothingToRun
        | Conclusion::Incomplete
        | Conclusion::Bug
        | Conclusion::Interrupted
        | Conclusion::Terminated => State::Error,
    }
}
