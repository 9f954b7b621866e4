//! How a caller proves to the service who it is.

use std::fmt;

use secrecy::SecretString;

/// A token, or a user with a password. `Debug` does not show secrets.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An access token of Test Center or of testplan's service.
    Token(SecretString),
    /// A user's name, often an e-mail address, and a password.
    Password {
        /// Must not contain a colon, which basic authentication cannot express.
        user: String,
        /// The password.
        password: SecretString,
    },
}

/// Where credentials may be replaced while a command runs.
pub trait CredentialSource: fmt::Debug + Send + Sync {
    /// The credentials, if they may be others than at the last call. Asked before every request.
    fn changed(&self) -> Option<Credentials>;

    /// The credentials as they are now; `None` if they cannot be read. Asked after they were rejected.
    fn current(&self) -> Option<Credentials>;
}
