//! The rows, one a line: tool and case | suite | testcase | settings | before | right | why.
//!
//! - *suite*, *testcase*: the test that was asked for. The command, how it ended and the tool's version are in the case's
//!   `ended.txt`.
//! - *settings*: exit code 0 is a pass and 1 a failure; `failed N…` are the codes of a failure, `count` is every code but 0;
//!   `attempts` is `results: { repeats: attempts }`, `any` is `results: { names: any }`.
//! - *before*: the wrong value before these rules; `guard` where the right one held already; `limit` where the files do
//!   not tell the truth: then *right* is what is made of them, and *why* what is true.

#[path = "table/javascript.rs"]
mod javascript;
#[path = "table/native.rs"]
mod native;
#[path = "table/others.rs"]
mod others;
#[path = "table/python.rs"]
mod python;

/// What the value of a row was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Another one.
    Was(&'static str),
    /// The right one.
    Guard,
    /// The files do not tell the truth.
    Limit,
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) case: &'static str,
    pub(super) suite: &'static str,
    pub(super) testcase: &'static str,
    pub(super) settings: &'static str,
    pub(super) kind: Kind,
    pub(super) right: &'static str,
    pub(super) why: &'static str,
}

pub(super) fn rows() -> impl Iterator<Item = Row> {
    [javascript::ROWS, python::ROWS, native::ROWS, others::ROWS]
        .into_iter()
        .flat_map(str::lines)
        .filter(|line| !line.is_empty())
        .map(row)
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [case, suite, testcase, settings, before, right, why] = cells[..] else {
        panic!("not seven cells: {line}");
    };
    let kind = match before {
        "guard" => Kind::Guard,
        "limit" => Kind::Limit,
        value => Kind::Was(value),
    };
    Row {
        case,
        suite,
        testcase,
        settings,
        kind,
        right,
        why,
    }
}
