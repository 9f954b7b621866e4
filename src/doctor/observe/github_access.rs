//! Observes what GitHub lets a token read. Writes nothing there.

use std::time::Duration;

use crate::{
    ci::{
        Ci, ReadOnly,
        github::{Address, Channel, GitHubPatience, GitHubRepository, Owner, PublishError},
    },
    config::environment::Environment,
    publication::{
        PublicationSettings,
        target::{Target, has_token},
    },
};

const PATIENCE: GitHubPatience = GitHubPatience {
    request: Duration::from_secs(5),
    total: Duration::from_secs(9),
};

#[derive(Debug)]
pub(crate) struct GitHubAccess {
    /// What would be published.
    pub(crate) channels: Vec<Channel>,
    pub(crate) has_token: bool,
    /// The repository, or what is missing to reach it.
    pub(crate) target: Result<RepositoryAccess, String>,
}

/// A repository as the token sees it.
#[derive(Debug)]
pub(crate) struct RepositoryAccess {
    pub(crate) address: Address,
    pub(crate) commit: String,
    pub(crate) owner: Owner,
    /// Why the token can probably only read.
    pub(crate) read_only: Option<ReadOnly>,
    pub(crate) repository: Result<GitHubRepository, PublishError>,
    /// Whether each channel can be read.
    pub(crate) readable: Vec<(Channel, Result<(), PublishError>)>,
}

pub(super) async fn observe(
    settings: &PublicationSettings,
    environment: &Environment,
    ci: &Ci,
) -> GitHubAccess {
    GitHubAccess {
        channels: settings.channels.clone(),
        has_token: has_token(environment),
        target: if settings.channels.is_empty() {
            Err("nothing would be published".to_owned())
        } else {
            read(settings, environment, ci).await
        },
    }
}

async fn read(
    settings: &PublicationSettings,
    environment: &Environment,
    ci: &Ci,
) -> Result<RepositoryAccess, String> {
    let target = Target::find(settings.report_commit.as_ref(), environment, ci, false)?;
    let github = target.connect(PATIENCE).map_err(|why| why.to_string())?;
    let commit = target.commit;
    let reads = settings.channels.iter().map(async |channel| {
        let read = github.may_read(*channel, Some(&commit), ci.pull_request);
        (*channel, read.await)
    });
    let reads = futures_util::future::join_all(reads);
    let (repository, readable) = futures_util::future::join(github.repository(), reads).await;
    Ok(RepositoryAccess {
        owner: github.owner(),
        address: target.address,
        read_only: ci.read_only,
        repository,
        readable,
        commit,
    })
}
