//! The settings that testplan's transactions need, and how they reach the server: with the connection or, behind a pooler that
//! gives each transaction another connection, with each transaction.

use std::fmt::Write as _;

/// Ends what a replica left open: a transaction whose owner does not go on, a wait for a lock, a statement. And what an
/// answer means: that the change is on stable storage. A wait for a lock takes longer than an idle transaction lasts: else those
/// who wait for the plan of a frozen replica fail at the moment at which they would get it, and their clients go on with the
/// frozen one.
const SETTINGS: [(&str, &str); 5] = [
    ("idle_in_transaction_session_timeout", "2s"),
    ("lock_timeout", "4s"),
    ("statement_timeout", "7s"),
    (COMMIT, "on"),
    // A plan without one of the ways that are off below counts as expensive, and is then compiled for half a second.
    ("jit", "off"),
];

const COMMIT: &str = "synchronous_commit";

/// A setting without a meaning: a session that has it got the options of its connection.
pub(super) const MARK: &str = "testplan.session";

/// Statements that are planned once, for any values and any size of their tables, must use the indexes that are made for them.
/// A plan that was made for ten executions would otherwise serve a million.
const FOR_PREPARED: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// What the server plans once, and what it plans each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::postgres) enum Planning {
    /// The statements of requests: once.
    Once,
    /// Each time.
    Always,
}

/// A setting of the user by which an answer would come before the commit is durable. It is not used.
pub(super) fn refused_commit(own: Option<&str>) -> Option<String> {
    let mut all = pairs(own.unwrap_or_default()).into_iter();
    let commit = all.rfind(|(name, _)| name == COMMIT);
    commit.map(|(_, value)| value).filter(|value| {
        ["off", "local", "false", "no", "0"].contains(&value.to_lowercase().as_str())
    })
}

/// The options of a connection; `own` are those of the user.
pub(super) fn options(own: Option<&str>, planning: Planning) -> String {
    let mut text = format!("-c {MARK}=on");
    for (name, value) in SETTINGS {
        // Writing to a text cannot fail.
        let _ = write!(text, " -c {name}={value}");
    }
    if planning == Planning::Once {
        text = format!("{text} {FOR_PREPARED}");
    }
    if let Some(own) = own {
        text = format!("{text} {own}");
    }
    if refused_commit(own).is_some() {
        text = format!("{text} -c {COMMIT}=on");
    }
    text
}

/// The statements after the beginning of a transaction that set the same, for this transaction.
pub(super) fn of_transaction(own: Option<&str>) -> String {
    let ours = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut text = String::new();
    let refused = refused_commit(own);
    let own = pairs(own.unwrap_or_default()).into_iter();
    let own = own.filter(|(name, _)| refused.is_none() || name != COMMIT);
    for (name, value) in ours.into_iter().chain(own) {
        let (name, value) = (name.replace('"', "\"\""), value.replace('\'', "''"));
        let name = name.replace('.', "\".\"");
        let value = match &*name {
            // A list: each entry is quoted by itself.
            "search_path" => value.replace(',', "', '").replace("'  ", "' "),
            _ => value,
        };
        let _ = write!(text, "; SET LOCAL \"{name}\" = '{value}'");
    }
    text
}

/// The settings in options as the server reads them: `-c name=value` or `--name=value`; a backslash keeps a space.
fn pairs(options: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut characters = options.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => words
                .last_mut()
                .unwrap_or(&mut String::new())
                .extend(characters.next()),
            c if c.is_whitespace() => words.push(String::new()),
            c => words.last_mut().unwrap_or(&mut String::new()).push(c),
        }
    }
    let mut found = Vec::new();
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next(),
            Some(setting) => Some(setting.to_owned()),
            None => None,
        };
        let pair = setting.as_deref().and_then(|it| it.split_once('='));
        found.extend(pair.map(|(name, value)| (name.replace('-', "_"), value.to_owned())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_user_come_last_and_win() {
        let text = options(Some("-c lock_timeout=9s"), Planning::Always);
        assert!(text.starts_with("-c testplan.session=on -c idle"), "{text}");
        assert!(text.ends_with("jit=off -c lock_timeout=9s"), "{text}");
        assert!(options(None, Planning::Once).contains("enable_seqscan=off"));
    }

    #[test]
    fn answer_never_comes_before_its_commit_is_durable() {
        let own = Some("-c synchronous_commit=off");
        assert_eq!(refused_commit(own), Some("off".to_owned()));
        assert!(options(own, Planning::Always).ends_with("-c synchronous_commit=on"));
        assert!(
            !of_transaction(own).contains("commit\" = 'off'"),
            "{}",
            of_transaction(own)
        );
        let stronger = Some("-c synchronous_commit=local -c synchronous_commit=remote_apply");
        assert_eq!(refused_commit(stronger), None);
        assert!(of_transaction(stronger).ends_with("\"synchronous_commit\" = 'remote_apply'"));
    }

    #[test]
    fn options_are_read_as_the_server_does() {
        let expected = [("a", "b c"), ("d_e", "f"), ("g", "h=i"), ("j", "k")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs("-c a=b\\ c --d-e=f  -cg=h=i -x -c j=k"), expected);
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("-c"), []);
    }

    #[test]
    fn settings_of_a_transaction_are_quoted() {
        let text = of_transaction(Some("-c search_path=a,b -c my.name=it's -c odd\"x=1"));
        for part in [
            "; SET LOCAL \"lock_timeout\" = '4s'; ",
            "; SET LOCAL \"search_path\" = 'a', 'b'; ",
            "; SET LOCAL \"my\".\"name\" = 'it''s'; ",
            "; SET LOCAL \"odd\"\"x\" = '1'",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
