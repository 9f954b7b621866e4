//! The password file of libpq: lines of `host:port:database:user:password`.

use std::path::Path;

/// What a password is looked up for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// What a password file has for a login.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Password(String),
    /// There is no file, or no line that matches.
    Nothing,
    /// The file is not used, for this reason.
    Ignored(String),
}

/// Looks a password up. A file that others may read is not used, as by libpq.
pub(super) fn look_up(path: &Path, login: Login<'_>) -> Found {
    let Ok(metadata) = path.metadata() else {
        return Found::Nothing;
    };
    if !metadata.is_file() {
        return Found::Ignored("it is not a file".to_owned());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if let Some(why) = too_open(metadata.permissions().mode()) {
            return Found::Ignored(why);
        }
    }
    match std::fs::read(path) {
        // Byte by byte invalid text can still have a valid line for this login.
        Ok(bytes) => match find(&String::from_utf8_lossy(&bytes), login) {
            Some(password) => Found::Password(password),
            None => Found::Nothing,
        },
        Err(error) => Found::Ignored(format!("it cannot be read: {error}")),
    }
}

/// Why a file of this mode is not used.
#[cfg(unix)]
fn too_open(mode: u32) -> Option<String> {
    let mode = mode & 0o777;
    (mode & 0o077 != 0).then(|| {
        format!("others than its owner have access to it (mode {mode:04o}): run `chmod 0600` on it")
    })
}

/// The password of the first line that matches.
fn find(text: &str, login: Login<'_>) -> Option<String> {
    let port = login.port.to_string();
    let expected = [login.host, &port, login.database, login.user];
    text.lines().find_map(|line| {
        if line.starts_with('#') {
            return None;
        }
        let mut rest = line;
        for expected in expected {
            let (field, tail) = next_field(rest);
            let tail = tail?;
            if rest.get(..2) != Some("*:") && field != expected {
                return None;
            }
            rest = tail;
        }
        Some(next_field(rest).0).filter(|it| !it.is_empty())
    })
}

/// A field without its backslashes, and what follows its colon if it has one.
fn next_field(line: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut letters = line.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            ':' => return (field, Some(&line[place + 1..])),
            '\\' => field.push(letters.next().map_or('\\', |(_, letter)| letter)),
            letter => field.push(letter),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'_> = Login {
        host: "db",
        port: 5432,
        database: "testplan",
        user: "ci",
    };

    #[test]
    fn first_matching_line_has_the_password() {
        for (text, password) in [
            ("db:5432:testplan:ci:secret\n", Some("secret")),
            ("#db:5432:testplan:ci:no\n*:*:*:ci:yes\r\n", Some("yes")),
            (
                "db:5432:testplan:other:no\ndb:*:*:*:yes\ndb:5432:testplan:ci:late",
                Some("yes"),
            ),
            (r"*:*:*:*:a\:b\\c", Some(r"a:b\c")),
            (r"*:*:*:*:a\", Some(r"a\")),
            ("*:*:*:*:a:b", Some("a")),
            ("*:*:*:*:", None),
            (r"\*:*:*:*:no", None),
            ("db:5433:testplan:ci:no", None),
            ("db:5432:testplan", None),
            ("", None),
        ] {
            assert_eq!(find(text, LOGIN).as_deref(), password, "{text:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn file_that_others_may_read_is_not_used() {
        use std::{fs, os::unix::fs::PermissionsExt as _};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        assert_eq!(look_up(&path, LOGIN), Found::Nothing);
        crate::fs::write_atomic(&path, b"*:*:*:*:secret").unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match look_up(&path, LOGIN) {
                Found::Password(password) => assert!(used && password == "secret"),
                Found::Ignored(why) => {
                    assert!(!used);
                    assert!(why.contains("chmod 0600"), "{why}");
                }
                Found::Nothing => panic!("nothing"),
            }
        }
        assert!(matches!(look_up(folder.path(), LOGIN), Found::Ignored(_)));
    }
}
