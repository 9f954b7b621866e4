//! What GitHub would be told, and whether it would let us. Only reads; whatever it refuses is a warning, as in a run.

use std::time::Duration;

use super::finding::{Finding, Group};
use crate::{
    ci::{
        Ci, ReadOnly,
        github::{self, Address, Ask, GitHub, NotSet, Owner, Patience, Repository},
    },
    cli::{
        args::{CommentArgs, GitHubArgs},
        connect, told,
    },
    client,
    config::environment::Environment,
    text::short_commit,
};

const GROUP: Group = Group::GitHub;
/// How long GitHub is waited for.
const PATIENCE: Patience = Patience {
    request: Duration::from_secs(5),
    total: Duration::from_secs(9),
};

/// What was seen of GitHub.
#[derive(Debug)]
pub struct Seen {
    /// What would be told.
    pub asks: Vec<Ask>,
    /// Whether there is a token.
    pub has_token: bool,
    /// The repository, or what is missing to speak to it.
    pub target: Result<Target, String>,
}

/// A repository that was spoken to.
#[derive(Debug)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// The commit that would be told of.
    pub commit: String,
    /// Whose token it is.
    pub owner: Owner,
    /// Why the token most likely may only read.
    pub read_only: Option<ReadOnly>,
    /// The repository as the token sees it.
    pub repository: Result<Repository, NotSet>,
    /// Whether each can be read.
    pub readable: Vec<(Ask, Result<(), NotSet>)>,
}

/// Looks at what would be told: by flags, and in GitHub Actions a commit status unless flags say otherwise.
pub async fn look(args: &GitHubArgs, comment: CommentArgs, environment: &Environment) -> Seen {
    let check_run = args.check_run.unwrap_or_default();
    let by_default = environment.is_github_actions() && !check_run;
    let asks = [
        (Ask::Status, args.commit_status.unwrap_or(by_default)),
        (Ask::CheckRun, check_run),
        (Ask::Comment, comment.pr_comment.unwrap_or_default()),
    ];
    let asks: Vec<Ask> = asks
        .into_iter()
        .filter_map(|(ask, is_asked)| is_asked.then_some(ask))
        .collect();
    let has_token = environment.get("GITHUB_TOKEN").is_some();
    let target = if asks.is_empty() {
        Err("nothing would be told".to_owned())
    } else {
        speak(args, &asks, environment).await
    };
    Seen {
        asks,
        has_token,
        target,
    }
}

async fn speak(
    args: &GitHubArgs,
    asks: &[Ask],
    environment: &Environment,
) -> Result<Target, String> {
    let ci = connect::ci(environment);
    let (token, address, commit) = told::target(args, environment, &ci, false)?;
    client::install_tls_provider();
    let github = GitHub::new(&address, &token, PATIENCE).map_err(|why| why.to_string())?;
    let Ci {
        pull_request,
        read_only,
        ..
    } = ci;
    let reads = asks.iter().map(async |ask| {
        let read = github.may_read(*ask, Some(&commit), pull_request).await;
        (*ask, read)
    });
    let (repository, readable) =
        futures_util::future::join(github.repository(), futures_util::future::join_all(reads))
            .await;
    Ok(Target {
        owner: github.owner(),
        address,
        read_only,
        repository,
        readable,
        commit,
    })
}

/// Whether GitHub could be told.
pub fn judge(seen: &Seen) -> Vec<Finding> {
    if seen.asks.is_empty() {
        let text = if seen.has_token {
            "a token is there, and nothing would be told: --commit-status, --check-run or --pr-comment do"
        } else {
            "nothing would be told: --commit-status, --check-run or --pr-comment do"
        };
        return vec![Finding::not_checked(GROUP, "repository", text)];
    }
    let target = match &seen.target {
        Ok(target) => target,
        Err(why) => {
            // Says what to do at its end.
            let (what, cure) = why
                .rsplit_once("; ")
                .unwrap_or((why, "set GITHUB_TOKEN and GITHUB_REPOSITORY"));
            return vec![Finding::warning(GROUP, "repository", what, cure)];
        }
    };
    let mut findings = vec![repository(target, &seen.asks)];
    if target.repository.is_ok() {
        let each = target.readable.iter();
        findings.extend(each.map(|(ask, read)| permission(target, *ask, read)));
    }
    findings
}

fn repository(target: &Target, asks: &[Ask]) -> Finding {
    const ID: &str = "repository";
    let address = &target.address;
    match &target.repository {
        Err(why) => Finding::warning(
            GROUP,
            ID,
            format!("{address}: {why}"),
            github::cure(why, asks, target.read_only),
        ),
        Ok(repository) if repository.is_archived => Finding::warning(
            GROUP,
            ID,
            format!("{address} is archived: nothing can be set there"),
            "unarchive it, or leave the flags out",
        ),
        Ok(_) => {
            let commit = short_commit(&target.commit);
            Finding::ok(GROUP, ID, format!("{address} at commit {commit}"))
        }
    }
}

fn permission(target: &Target, ask: Ask, read: &Result<(), NotSet>) -> Finding {
    let id = match ask {
        Ask::Status => "status",
        Ask::CheckRun => "check-run",
        Ask::Comment => "comment",
    };
    if let Err(why) = read {
        return Finding::warning(
            GROUP,
            id,
            format!("a {ask} cannot even be read: {why}"),
            github::cure(why, &[ask], target.read_only),
        );
    }
    let needs = ask.permission();
    if let Some(read_only) = target.read_only {
        let refusal = NotSet::Refused {
            code: 403,
            message: String::new(),
            wait: None,
            is_limit: false,
        };
        return Finding::warning(
            GROUP,
            id,
            format!("a {ask} will most likely be refused: {read_only}"),
            github::cure(&refusal, &[ask], target.read_only),
        );
    }
    let is_person = matches!(target.owner, Owner::Classic | Owner::FineGrained);
    if ask == Ask::CheckRun && is_person {
        return Finding::warning(
            GROUP,
            id,
            "a check run is for apps alone, and GITHUB_TOKEN is a person's token",
            "use the job's own token, ${{ github.token }}, or --commit-status in its place",
        );
    }
    let seen = target.repository.as_ref().ok();
    let scopes = seen.and_then(|seen| seen.scopes.as_ref());
    if let Some(scopes) = scopes.filter(|scopes| !is_granted(ask, scopes)) {
        return Finding::warning(
            GROUP,
            id,
            format!(
                "the token has no scope for a {ask}: it has {}",
                named(scopes)
            ),
            "give it the scope repo, or use the job's own token, ${{ github.token }}",
        );
    }
    if is_person && ask == Ask::Status && seen.and_then(|seen| seen.may_push) == Some(false) {
        return Finding::warning(
            GROUP,
            id,
            "who the token is of may not push, and a commit status takes that",
            "use the token of somebody who may, or the job's own, ${{ github.token }}",
        );
    }
    Finding::ok(
        GROUP,
        id,
        format!("a {ask} can be read; whether it can be set (`{needs}`) shows only then"),
    )
}

fn is_granted(ask: Ask, scopes: &[String]) -> bool {
    let enough: &[&str] = match ask {
        Ask::Status => &["repo", "repo:status", "public_repo"],
        Ask::CheckRun | Ask::Comment => &["repo", "public_repo"],
    };
    scopes.iter().any(|scope| enough.contains(&scope.as_str()))
}

fn named(scopes: &[String]) -> String {
    if scopes.is_empty() {
        "none".to_owned()
    } else {
        scopes.join(", ")
    }
}
