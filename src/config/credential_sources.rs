//! Finds the credentials in a file or in the environment. No flag takes a secret as its value.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{Environment, precedence::Origin};
use crate::credentials::Credentials;

/// A token as text.
pub(crate) const TOKEN: &str = "TESTCENTER_TOKEN";
/// A user's name, with [`PASSWORD`].
pub(crate) const USER: &str = "TESTCENTER_USER";
/// A user's password.
pub(crate) const PASSWORD: &str = "TESTCENTER_PASSWORD";

/// The flag that names a file with a token.
const FILE: &str = "--token-file";

/// The largest token file, in bytes.
const LARGEST: u64 = 16 * 1024;

/// Credentials and where they come from.
#[derive(Clone, Debug)]
pub(crate) struct FoundCredentials {
    pub credentials: Credentials,
    /// Their file or variable.
    pub origin: Origin,
    /// A weakness of the file.
    pub warning: Option<String>,
}

/// Why a secret cannot be used. Never shows it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read the token file {}: {cause}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The file or variable has something that is no token.
    #[error("{place} {what}")]
    NotAToken {
        /// The file or variable.
        place: String,
        /// In which way.
        what: &'static str,
    },
    /// One of user and password is missing.
    #[error("{given} is set, but {missing} is not: set both, or {TOKEN} alone")]
    Half {
        /// The variable that is there.
        given: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// Two ways to prove who asks.
    #[error("{first} and {second} are both given: which of them counts is not clear")]
    Both {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A name that Basic authentication cannot carry.
    #[error("{USER} contains a colon, which no user name can")]
    Colon,
}

/// The secret to use, if there is any: the token file, [`TOKEN`], or [`USER`] with [`PASSWORD`]. Two of these are an
/// error: the one that is not used may be the one that was meant.
pub(crate) fn find(
    token_file: Option<&Path>,
    environment: &Environment,
) -> Result<Option<FoundCredentials>, CredentialError> {
    let given = [
        (FILE, token_file.is_some()),
        (TOKEN, environment.get(TOKEN).is_some()),
        (USER, environment.get(USER).is_some()),
        (PASSWORD, environment.get(PASSWORD).is_some()),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(name, is_given)| is_given.then_some(name));
    // The two halves of one way come last.
    if let (Some(first), Some(second)) = (given.next(), given.next())
        && first != USER
    {
        return Err(CredentialError::Both { first, second });
    }
    if let Some(path) = token_file {
        return from_file(path).map(Some);
    }
    let found = |credentials, variable| {
        Ok(Some(FoundCredentials {
            credentials,
            origin: Origin::Variable(variable),
            warning: None,
        }))
    };
    if let Some(text) = environment.get(TOKEN) {
        let token = token(text, || TOKEN.to_owned())?;
        return found(Credentials::Token(token), TOKEN);
    }
    match (environment.get(USER), environment.get(PASSWORD)) {
        (Some(user), Some(_)) if user.contains(':') => Err(CredentialError::Colon),
        (Some(user), Some(password)) => {
            let (user, password) = (user.to_owned(), password.into());
            found(Credentials::Password { user, password }, USER)
        }
        (Some(_), None) => Err(CredentialError::Half {
            given: USER,
            missing: PASSWORD,
        }),
        (None, Some(_)) => Err(CredentialError::Half {
            given: PASSWORD,
            missing: USER,
        }),
        (None, None) => Ok(None),
    }
}

pub(super) fn from_file(path: &Path) -> Result<FoundCredentials, CredentialError> {
    let unreadable = |cause| CredentialError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let place = || format!("the token file {}", path.display());
    let wrong = |what| CredentialError::NotAToken {
        place: place(),
        what,
    };
    let file = File::open(path).map_err(unreadable)?;
    let warning = open_to_all(&file).then(|| {
        format!(
            "everybody on this machine can read the token file {}: chmod 600 it",
            path.display()
        )
    });
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(wrong("is too large for a token"));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not text"))?;
    Ok(FoundCredentials {
        credentials: Credentials::Token(token(&text, place)?),
        origin: Origin::Flag(FILE),
        warning,
    })
}

/// A token without the line break that editors and `echo` put at its end.
fn token(text: &str, place: impl Fn() -> String) -> Result<SecretString, CredentialError> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let what = if line.trim().is_empty() {
        "is empty"
    } else if line.contains(['\n', '\r']) {
        "has more than one line: a token is one"
    } else if !line.chars().all(|c| c.is_ascii_graphic()) {
        "has blanks or characters that no token has"
    } else {
        return Ok(line.into());
    };
    Err(CredentialError::NotAToken {
        place: place(),
        what,
    })
}

#[cfg(unix)]
fn open_to_all(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|data| data.mode() & 0o004 != 0)
}

/// Elsewhere a file's mode does not say who may read it.
#[cfg(not(unix))]
fn open_to_all(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn shown(found: Result<Option<FoundCredentials>, CredentialError>) -> String {
        match found {
            Ok(None) => "none".to_owned(),
            Ok(Some(FoundCredentials {
                credentials: Credentials::Token(token),
                origin,
                ..
            })) => format!("{} from {origin}", token.expose_secret()),
            Ok(Some(FoundCredentials {
                credentials: Credentials::Password { user, password },
                origin,
                ..
            })) => format!("{user}, {} from {origin}", password.expose_secret()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn prefers_the_token_and_wants_both_halves() {
        let (t, u, p) = ((TOKEN, "t1"), (USER, "me"), (PASSWORD, "pa ss:wört"));
        let table: [(&[(&str, &str)], &str); 10] = [
            (&[], "none"),
            (&[t], "t1 from variable TESTCENTER_TOKEN"),
            (
                &[t, u],
                "TESTCENTER_TOKEN and TESTCENTER_USER are both given: which of them counts is not clear",
            ),
            (
                &[t, p],
                "TESTCENTER_TOKEN and TESTCENTER_PASSWORD are both given: which of them counts is not clear",
            ),
            (&[(TOKEN, "t1\r\n")], "t1 from variable TESTCENTER_TOKEN"),
            (
                &[(TOKEN, ""), u, p],
                "me, pa ss:wört from variable TESTCENTER_USER",
            ),
            (
                &[u],
                "TESTCENTER_USER is set, but TESTCENTER_PASSWORD is not: set both, or TESTCENTER_TOKEN alone",
            ),
            (
                &[p],
                "TESTCENTER_PASSWORD is set, but TESTCENTER_USER is not: set both, or TESTCENTER_TOKEN alone",
            ),
            (
                &[(USER, "a:b"), p],
                "TESTCENTER_USER contains a colon, which no user name can",
            ),
            (
                &[(TOKEN, "a b")],
                "TESTCENTER_TOKEN has blanks or characters that no token has",
            ),
        ];
        for (list, expected) in table {
            let environment: Environment = list.iter().copied().collect();
            assert_eq!(shown(find(None, &environment)), expected, "{list:?}");
        }
    }

    #[test]
    fn reads_a_token_file_with_care() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let environment = Environment::default();
        let large = "x".repeat(17 * 1024);
        let table: [(&[u8], &str); 8] = [
            (b"hunter2", "hunter2 from --token-file"),
            (b"hunter2\n", "hunter2 from --token-file"),
            (b"hunter2\r\n", "hunter2 from --token-file"),
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"hunter2\n\n", "has more than one line: a token is one"),
            (b"hunter2\xFF", "is not text"),
            (large.as_bytes(), "is too large for a token"),
        ];
        for (bytes, expected) in table {
            crate::fs::write_private(&path, bytes).unwrap();
            let said = shown(find(Some(&path), &environment));
            assert!(said.ends_with(expected), "{said}");
            assert!(
                expected.starts_with("hunter2") || !said.contains("hunter2"),
                "{said}"
            );
        }
        let missing = shown(find(Some(&folder.path().join("none")), &environment));
        assert!(
            missing.starts_with("cannot read the token file "),
            "{missing}"
        );
    }

    #[test]
    fn a_file_and_a_variable_contradict_each_other() {
        for name in [TOKEN, USER, PASSWORD] {
            let environment = Environment::from_iter([(name, "other")]);
            assert_eq!(
                shown(find(Some(Path::new("none")), &environment)),
                format!(
                    "--token-file and {name} are both given: which of them counts is not clear"
                )
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn warns_of_a_file_that_everybody_reads() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        crate::fs::write_private(&path, b"t").unwrap();
        let warning = || {
            find(Some(&path), &Environment::default())
                .unwrap()
                .unwrap()
                .warning
        };
        assert_eq!(warning(), None);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(warning().unwrap().ends_with("chmod 600 it"));
    }

    #[test]
    fn is_not_shown() {
        let environment = Environment::from_iter([(USER, "me"), (PASSWORD, "hunter2")]);
        let found = find(None, &environment).unwrap().unwrap();
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}
