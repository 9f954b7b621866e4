//! How a caller proves to the service who it is.

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
