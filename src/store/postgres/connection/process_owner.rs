//! The user whom this process runs as: its name is the default for the user of the database, its home has libpq's files.

use std::path::PathBuf;

use super::parameters::Lookup;

/// The name and the home of the user.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: Option<String>,
    pub(super) home: Option<PathBuf>,
}

/// Finds the user by the number of the process's owner, as libpq does, else by the environment. HOME outranks the list of users.
pub(super) fn owner(variable: Lookup<'_>) -> Owner {
    let listed = listed_owner();
    let set = |name: &str| variable(name).filter(|it| !it.is_empty());
    let named = || {
        set("LOGNAME")
            .or_else(|| set("USER"))
            .or_else(|| set("USERNAME"))
    };
    Owner {
        name: listed.name.or_else(named),
        home: set("HOME").map(PathBuf::from).or(listed.home),
    }
}

#[cfg(unix)]
fn listed_owner() -> Owner {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    in_list(&users, rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn listed_owner() -> Owner {
    Owner::default()
}

/// The user with a number in lines of `name:password:number:group:comment:home:shell`.
#[cfg(unix)]
fn in_list(users: &str, number: u32) -> Owner {
    let number = number.to_string();
    let mut lines = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    match lines.find(|fields| fields.get(2) == Some(&number.as_str())) {
        Some(fields) => Owner {
            name: fields.first().map(|it| (*it).to_owned()),
            home: fields.get(5).map(PathBuf::from),
        },
        None => Owner::default(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn owner_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nci:x:1000:1000::/home/ci:\n";
        let found = in_list(users, 1000);
        assert_eq!(found.name.as_deref(), Some("ci"));
        assert_eq!(found.home, Some(PathBuf::from("/home/ci")));
        assert_eq!(in_list(users, 7), Owner::default());
    }

    #[test]
    fn home_of_the_environment_outranks_the_list() {
        let found = owner(&|name| (name == "HOME").then(|| "/elsewhere".to_owned()));
        assert_eq!(found.home, Some(PathBuf::from("/elsewhere")));
    }
}
