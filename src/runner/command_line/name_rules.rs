//! What a name from the service may look like before it becomes part of a command.

use crate::runner::{
    command_facts::{CommandError, CommandFacts},
    squishrunner::squish_address::is_host,
};

/// Most bytes of one name: the longest path of most systems.
const MAX_NAME: usize = 4096;

/// Checks every name among the facts, whether or not a placeholder uses it: all are in the environment.
pub(super) fn check(facts: &CommandFacts<'_>) -> Result<(), CommandError> {
    let test = facts.test;
    for (what, name) in [("suite", &test.suite), ("test case", &test.testcase)] {
        if name.trim().is_empty() {
            return Err(CommandError(format!("the execution's {what} has no name")));
        }
    }
    inside("the suite's name", &test.suite)?;
    let fixed = [
        ("the suite's name", test.suite.as_str()),
        ("the test case's name", test.testcase.as_str()),
        ("the project's name", facts.project),
        ("the batch", facts.batch),
    ];
    let offered = facts.capabilities.iter().flat_map(|capability| {
        [
            ("a capability's key", capability.key.as_str()),
            ("a capability's value", capability.value.as_str()),
        ]
    });
    for (what, value) in fixed.into_iter().chain(offered) {
        if value.contains('\0') {
            return Err(CommandError(format!(
                "{what}, {value:?}, has a NUL character"
            )));
        }
        if value.len() > MAX_NAME {
            return Err(CommandError(format!(
                "{what} has {} bytes, more than the {MAX_NAME} that are taken",
                value.len()
            )));
        }
    }
    if let Some(server) = facts.server {
        if !is_host(&server.host) {
            return Err(CommandError(format!(
                "{:?} is not the name or address of a Squish server",
                server.host
            )));
        }
        if !server.port.parse::<u16>().is_ok_and(|port| port != 0) {
            return Err(CommandError(format!(
                "{:?} is not the port of a Squish server",
                server.port
            )));
        }
    }
    Ok(())
}

/// Refuses a value that, used as a path, would lead out of the folder it is meant in.
pub(super) fn inside(what: &str, value: &str) -> Result<(), CommandError> {
    match trouble(value, cfg!(windows)) {
        Some(why) => Err(CommandError(format!(
            "{what}, {value:?}, {why}: it must stay in the folder that the tests are in"
        ))),
        None => Ok(()),
    }
}

/// Why no worker would run a test of a suite of this name, if none would.
pub(crate) fn suite_trouble(suite: &str) -> Option<&'static str> {
    trouble(suite, cfg!(windows))
}

fn trouble(path: &str, windows: bool) -> Option<&'static str> {
    let mut start = path.chars();
    let (first, second, third) = (start.next()?, start.next(), start.next());
    if matches!(first, '/' | '\\') {
        return Some("is an absolute path");
    }
    // `a::b` is a module of some languages, `a:b` is a file on drive A.
    if first.is_ascii_alphabetic() && second == Some(':') && third != Some(':') {
        return Some("begins with a drive");
    }
    for component in path.split(['/', '\\']) {
        if component == ".." {
            return Some("climbs with `..`");
        }
        if windows && is_special_on_windows(component) {
            return Some(
                "is a device or ends in a dot or space, which Windows takes for something else",
            );
        }
    }
    None
}

fn is_special_on_windows(component: &str) -> bool {
    if component.ends_with(' ') || (component.ends_with('.') && component != ".") {
        return true;
    }
    let stem = component.split('.').next().unwrap_or_default().trim_end();
    let numbered = |name: &str| {
        stem.len() == 4
            && stem.is_char_boundary(3)
            && stem[..3].eq_ignore_ascii_case(name)
            && stem.ends_with(|c: char| c.is_ascii_digit())
    };
    ["con", "prn", "aux", "nul"]
        .iter()
        .any(|name| stem.eq_ignore_ascii_case(name))
        || numbered("com")
        || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside() {
        let fine = [
            "tests/test_api.py",
            "suite_main",
            "a::b",
            "x/y..z",
            "...",
            "dir\\file",
            "ümlaut/ß",
            "com.example.Foo",
        ];
        for path in fine {
            assert_eq!(trouble(path, false), None, "{path}");
        }
        let bad = [
            "/etc",
            "\\\\host\\share",
            "\\x",
            "C:\\x",
            "c:x",
            "..",
            "a/../b",
            "a\\..",
            "../x",
        ];
        for path in bad {
            assert!(trouble(path, false).is_some(), "{path}");
        }
    }

    #[test]
    fn devices_are_special_on_windows_alone() {
        for path in [
            "nul", "a/CON", "aux.txt", "com1", "LPT9.x", "dir ", "dir./x",
        ] {
            assert!(trouble(path, true).is_some(), "{path}");
            assert!(trouble(path, false).is_none(), "{path}");
        }
        for path in ["console", "com", "comx", "./a", "nullable"] {
            assert!(trouble(path, true).is_none(), "{path}");
        }
    }
}
