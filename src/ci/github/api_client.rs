//! One repository at GitHub's API.

use std::fmt;

use octocrab::Octocrab;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    address::Address, http_connection, publish_error::PublishError, retries::GitHubPatience,
};

/// One repository, accessed with one token. The methods need a tokio runtime.
pub struct GitHub {
    pub(super) octocrab: Octocrab,
    pub(super) address: Address,
    pub(super) token: SecretString,
    pub(super) patience: GitHubPatience,
}

impl GitHub {
    /// Sends nothing yet. Needs a tokio runtime and an installed TLS provider.
    pub fn new(
        address: &Address,
        token: &SecretString,
        patience: GitHubPatience,
    ) -> Result<Self, PublishError> {
        Ok(Self {
            octocrab: http_connection::connect(address, token, patience)?,
            address: address.clone(),
            token: token.clone(),
            patience,
        })
    }

    /// The repository.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Masks the token, in case the server repeats it.
    pub(super) fn without_token(&self, text: &str) -> String {
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
