//! How the store connects to a real PostgreSQL: settings, TLS, and the message of each failure.

mod logins;
mod schemas;
mod servers;
mod tls;

use testplan::store::{
    Rules, StoreError,
    postgres::{PostgresStore, Target},
};

/// Opens a store with a URL and variables of the environment.
fn open(url: &str, variables: &[(&str, &str)]) -> Result<PostgresStore, StoreError> {
    let variable = |name: &str| {
        let found = variables.iter().find(|it| it.0 == name);
        found.map(|it| it.1.to_owned())
    };
    // Without the files of whoever runs the test.
    let variable = |name: &str| match name {
        "HOME" => variable(name).or(Some("/nonexistent".to_owned())),
        _ => variable(name),
    };
    let target = Target::from_environment(Some(url), &variable).unwrap();
    PostgresStore::open(target, Rules::default()).map(|it| it.0)
}

/// Expects a failure whose message has these parts, and no password or SQL.
#[track_caller]
fn assert_fails(url: &str, variables: &[(&str, &str)], parts: &[&str]) {
    let message = open(url, variables).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    for word in ["s3cret", "wr0ng", "SELECT", "CREATE", "INSERT", "BUG", "\n"] {
        assert!(!message.contains(word), "{word:?} is in: {message}");
    }
}

/// Expects that the store opens.
#[track_caller]
fn assert_opens(url: &str, variables: &[(&str, &str)]) {
    if let Err(error) = open(url, variables) {
        panic!("{url}: {error}");
    }
}
