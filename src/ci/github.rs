//! GitHub's API, as far as it is told of a run: a commit status, a check run, a comment on the pull request. The only
//! home of octocrab.
//!
//! Nothing here decides about a run: what GitHub refuses comes back as a [`PublishError`], to be told and passed over.
//! Retries are ours (`tries`): octocrab's repeat a POST at once. What creates a thing looks for it first, each time, so
//! that an answer that was lost leaves no second one.

mod address;
mod check_run;
mod comment;
mod connect;
mod exchange;
mod fit;
mod look;
mod notices;
mod publish_error;
mod pulls;
mod status;
mod tries;

use std::{fmt, time::Duration};

use octocrab::Octocrab;
use secrecy::{ExposeSecret as _, SecretString};

pub use address::{Address, BadAddress};
pub use check_run::{Annotation, CheckConclusion, CheckRun, CheckState, Level, MOST_ANNOTATIONS};
pub use fit::{LARGEST_COMMENT, LARGEST_TEXT, LONGEST_DESCRIPTION};
pub use look::{Owner, Repository};
pub use notices::{Channel, cure, notices};
pub use publish_error::{PublishError, Trouble};
pub use status::{CommitStatus, State};

/// GitHub's own API, where `GITHUB_API_URL` names no other.
pub const API: &str = "https://api.github.com";

/// How long GitHub is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// One request, from its connection to the end of its answer. One that hangs is not sent again. Default 10 s.
    pub request: Duration,
    /// One call with all its requests, tries and pauses. Default 30 s.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// One repository at one API, spoken to with one token. Its methods need a tokio runtime.
pub struct GitHub {
    octocrab: Octocrab,
    address: Address,
    token: SecretString,
    patience: Patience,
}

impl GitHub {
    /// Has sent nothing yet. Needs a tokio runtime and a TLS provider that is installed.
    pub fn new(
        address: &Address,
        token: &SecretString,
        patience: Patience,
    ) -> Result<Self, PublishError> {
        Ok(Self {
            octocrab: connect::connect(address, token, patience)?,
            address: address.clone(),
            token: token.clone(),
            patience,
        })
    }

    /// Where this speaks to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The text, if the other side repeats what it was told.
    fn without_token(&self, text: &str) -> String {
        text.replace(self.token.expose_secret(), "***")
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("address", &self.address)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
