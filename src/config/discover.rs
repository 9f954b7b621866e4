//! The pure half of discovery: a command's output becomes tests. The command is started elsewhere.
//!
//! Every line is in the account: taken, a duplicate, or left out with a reason.

mod discovery_error;
mod likeness;
mod line_pattern;
mod lines;
pub(crate) mod test_folder;

use std::collections::HashSet;

pub use discovery_error::BadPattern;
pub(crate) use discovery_error::ListingError;
pub use line_pattern::{LinePattern, Unmatched};

use crate::model::{DiscoveryAccount, LeftOut, Test};
use discovery_error::{MOST_TESTS, SHOWN_LINES, shown};
use likeness::{Judgement, Likeness};
use lines::{ListingLine, lines};
use test_folder::TestFolder;

/// Most characters of a left-out line that are kept.
const LONGEST_LINE: usize = 300;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListedTests {
    /// In the order of the listing, each once.
    pub tests: Vec<Test>,
    /// How every line was used.
    pub account: DiscoveryAccount,
    /// Name and version of the tool, if it lists its tests itself.
    pub tool: Option<String>,
}

/// Reads the tests off a listing, in its order, each once, exactly as they are named there; only absolute paths below
/// the folder of `place` become relative.
///
/// A listing without any line, or with nothing but headings, sums and ignored lines, gives no tests.
pub(crate) fn parse_listing(
    output: &[u8],
    pattern: &LinePattern,
    place: &mut TestFolder<'_>,
) -> Result<ListedTests, ListingError> {
    let mut seen = HashSet::new();
    let mut listed = ListedTests::default();
    let mut likeness = Likeness::of(pattern.regex());
    let mut left_out: Vec<(ListingLine<'_>, bool)> = Vec::new();
    for line in lines(output)? {
        if line.text.trim().is_empty() {
            continue;
        }
        if pattern.is_ignored(&line.text) {
            left_out.push((line, true));
            continue;
        }
        let Some(mut test) = named(pattern, &line)? else {
            if pattern.unmatched() == Unmatched::Refuse {
                return Err(ListingError::Unmatched {
                    pattern: pattern.as_str().to_owned(),
                    number: line.number,
                    line: shown(&line.text),
                });
            }
            left_out.push((line, false));
            continue;
        };
        place.make_relative(&mut test);
        if let Some(trouble) = place.trouble(&test.suite) {
            return Err(ListingError::Outside {
                suite: shown(&test.suite),
                trouble,
                number: line.number,
            });
        }
        likeness.learn(line.number, &line.text);
        if seen.contains(&test) {
            listed.account.repeat(&test);
            continue;
        }
        if listed.tests.len() == MOST_TESTS {
            return Err(ListingError::TooMany);
        }
        seen.insert(test.clone());
        listed.tests.push(test);
        listed.account.take();
    }
    let mut unexplained = Vec::new();
    for (line, ignored) in left_out {
        let judgement = if ignored {
            Judgement::Ignored
        } else {
            likeness.judge(&line.text)
        };
        if let (Judgement::MayBeATest(_), Some(fault)) = (&judgement, line.fault) {
            return Err(not_a_name(&line, fault));
        }
        if !judgement.is_explained() && unexplained.len() < SHOWN_LINES {
            unexplained.push(shown(&line.text));
        }
        listed.account.leave_out(kept(&line, &judgement));
    }
    if listed.tests.is_empty() && !unexplained.is_empty() {
        return Err(ListingError::NoMatch {
            pattern: pattern.as_str().to_owned(),
            head: unexplained,
        });
    }
    Ok(listed)
}

/// The test that a line names, if it matches.
fn named(pattern: &LinePattern, line: &ListingLine<'_>) -> Result<Option<Test>, ListingError> {
    let Some(found) = pattern.regex().captures(&line.text) else {
        return Ok(None);
    };
    if let Some(fault) = line.fault {
        return Err(not_a_name(line, fault));
    }
    let name = |group: &'static str| {
        let text = found.name(group).map_or("", |m| m.as_str());
        if text.trim().is_empty() {
            return Err(ListingError::EmptyName {
                group,
                number: line.number,
                line: shown(&line.text),
            });
        }
        Ok(text.to_owned())
    };
    Ok(Some(Test {
        suite: name("suite")?,
        testcase: name("testcase")?,
    }))
}

fn not_a_name(line: &ListingLine<'_>, fault: &'static str) -> ListingError {
    ListingError::NotAName {
        fault,
        number: line.number,
        line: shown(&line.text),
    }
}

/// A line as the account keeps it.
fn kept(line: &ListingLine<'_>, judgement: &Judgement) -> LeftOut {
    let mut text: String = line.text.chars().take(LONGEST_LINE).collect();
    if text.len() < line.text.len() {
        text.push('…');
    }
    LeftOut {
        line: text,
        number: line.number,
        reason: judgement.to_string(),
        suspicious: judgement.is_suspicious(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTEST: &str = "(?<suite>[^:]+)::(?<testcase>.+)";

    fn read(pattern: &LinePattern, output: &[u8]) -> Result<ListedTests, ListingError> {
        let is_it = |path: &str| path == "/w";
        parse_listing(
            output,
            pattern,
            &mut TestFolder::new("/w".to_owned(), &is_it),
        )
    }

    fn listed(pattern: &str, unmatched: Unmatched, output: &[u8]) -> Result<ListedTests, String> {
        let pattern = LinePattern::new(pattern, unmatched).unwrap();
        read(&pattern, output).map_err(|error| error.to_string())
    }

    fn list(pattern: &str, unmatched: Unmatched, output: &str) -> Result<Vec<String>, String> {
        let listed = listed(pattern, unmatched, output.as_bytes())?;
        Ok(listed.tests.iter().map(ToString::to_string).collect())
    }

    /// `number:line:reason`, with `!` before what is suspicious.
    fn left_out(account: &DiscoveryAccount) -> Vec<String> {
        let line = |it: &LeftOut| {
            let mark = if it.suspicious { "!" } else { "" };
            format!("{mark}{}:{}:{}", it.number, it.line, it.reason)
        };
        account.left_out.iter().map(line).collect()
    }

    #[test]
    fn every_line_is_accounted_for() {
        let output = "tests/b.py::test_z\r\n\
            tests/a.py::TestX::test_y[1-2]\n\
            tests/b.py::test_z\n\
            my tests/c.py::test_a\n\
            \n\
            collecting\n\
            3 tests collected in 0.01s\n";
        let mut pattern =
            LinePattern::new(r"^(?<suite>[^: ]+\.py)::(?<testcase>.+)$", Unmatched::Skip).unwrap();
        pattern.ignore("^collecting$").unwrap();
        let ListedTests { tests, account, .. } = read(&pattern, output.as_bytes()).unwrap();
        let tests: Vec<String> = tests.iter().map(ToString::to_string).collect();
        assert_eq!(
            tests,
            ["tests/b.py / test_z", "tests/a.py / TestX::test_y[1-2]"]
        );
        assert_eq!(
            left_out(&account),
            [
                "!4:my tests/c.py::test_a:does not match `line`, but contains its separator \"::\"",
                "6:collecting:is named by `ignore`",
                "7:3 tests collected in 0.01s:is a heading or a sum",
            ]
        );
        assert_eq!(
            (
                account.listed,
                account.taken,
                account.left_out_lines,
                account.suspicious_lines,
                account.duplicate_lines
            ),
            (6, 2, 3, 1, 1)
        );
        assert_eq!(
            account
                .duplicates
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["tests/b.py / test_z"]
        );
    }

    #[test]
    fn ignore_wins_over_line() {
        let mut pattern = LinePattern::new(PYTEST, Unmatched::Refuse).unwrap();
        pattern.ignore("^tests/slow").unwrap();
        let listed = read(&pattern, b"tests/slow.py::a\ntests/b.py::c\n").unwrap();
        assert_eq!(listed.tests.len(), 1);
        assert_eq!(
            left_out(&listed.account),
            ["1:tests/slow.py::a:is named by `ignore`"]
        );
        assert!(pattern.ignore("(").is_err());
    }

    #[test]
    fn names_are_kept_exactly() {
        let output = "a.py::dup\na.py::dup\na.py::x \na.py:: x\na.py::x\n a.py::x\na.py::\u{FEFF}x\na.py::x\t\r\n";
        let listed = listed(PYTEST, Unmatched::Skip, output.as_bytes()).unwrap();
        let names: Vec<(&str, &str)> = listed
            .tests
            .iter()
            .map(|test| (test.suite.as_str(), test.testcase.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("a.py", "dup"),
                ("a.py", "x "),
                ("a.py", " x"),
                ("a.py", "x"),
                (" a.py", "x"),
                ("a.py", "\u{FEFF}x"),
                ("a.py", "x\t")
            ]
        );
        assert_eq!(listed.account.duplicate_lines, 1);
    }

    #[test]
    fn a_bad_name_is_an_error_only_in_a_line_that_matches() {
        let skip = Unmatched::Skip;
        let ok = listed(PYTEST, skip, b"\xEF\xBB\xBFa::b\nGr\xFC\xDFe\n").unwrap();
        assert_eq!(ok.tests[0].suite, "a");
        assert_eq!(
            left_out(&ok.account),
            ["2:Gr\u{FFFD}\u{FFFD}e:does not match `line`"]
        );
        let error = |output: &[u8]| listed(PYTEST, skip, output).unwrap_err();
        assert_eq!(
            error(b"a::b\nc::gr\xFCn\n"),
            "line 2 of the discovery command's output is not UTF-8: c::gr\u{FFFD}n"
        );
        assert_eq!(
            error(b"a::b\nc::d\0e::f\n"),
            "line 2 of the discovery command's output contains a NUL character: c::d\u{FFFD}e::f"
        );
        assert!(error(b"a::b\n::\xFC\n").contains("is not UTF-8"));
        assert_eq!(
            error(b"\xFF\xFEa\0:\0:\0b\0"),
            "the discovery command printed UTF-16, as PowerShell's `>` writes it"
        );
    }

    #[test]
    fn absolute_paths_become_relative_or_are_refused() {
        const JEST: &str = r"^(?<suite>.*/(?<testcase>[^/]+)\.test\.js)$";
        let skip = Unmatched::Skip;
        assert_eq!(
            list(
                JEST,
                skip,
                "/w/src/a.test.js\nsrc/a.test.js\n/w/b.test.js\n"
            )
            .unwrap(),
            ["src/a.test.js / a", "b.test.js / b"]
        );
        assert_eq!(
            list(JEST, skip, "/w/a.test.js\n/v/b.test.js\n").unwrap_err(),
            "line 2 of the discovery command's output names the suite \"/v/b.test.js\", which is an absolute path; tests run in /w"
        );
        assert!(
            list(JEST, skip, "../b.test.js\n")
                .unwrap_err()
                .contains("climbs")
        );
    }

    #[test]
    fn a_listing_without_tests_is_empty_only_if_its_lines_are_explained() {
        let skip = Unmatched::Skip;
        for output in [
            "",
            " \n\n",
            "no tests collected in 0.01s\n",
            "Available tests:\n0 tests found\n",
        ] {
            let listed = listed(PYTEST, skip, output.as_bytes()).unwrap();
            assert_eq!(listed.tests, [], "{output}");
        }
        let output = format!(
            "\nerror: \u{1b}[31mno\u{7}\n3 tests found\n{}\n3\n4\n5\n6\n",
            "x".repeat(200)
        );
        assert_eq!(
            list(PYTEST, skip, &output).unwrap_err(),
            format!(
                "no line of the discovery command's output matches \"(?<suite>[^:]+)::(?<testcase>.+)\"; it begins:\n  \
                | error: \u{FFFD}[31mno\u{FFFD}\n  | {}…\n  | 3\n  | 4\n  | 5",
                "x".repeat(120)
            )
        );
    }

    #[test]
    fn refuses_other_lines_on_demand_and_empty_names_always() {
        let output = "a::b\n\nsummary\n";
        for unmatched in [Unmatched::Skip, Unmatched::Strict] {
            assert_eq!(list(PYTEST, unmatched, output).unwrap(), ["a / b"]);
        }
        let error = list(PYTEST, Unmatched::Refuse, output).unwrap_err();
        assert!(
            error.starts_with("line 3 of ") && error.ends_with(": summary"),
            "{error}"
        );
        assert_eq!(
            list(
                "(?<suite>.*)/(?<testcase>.*)",
                Unmatched::Skip,
                "a/b\na/ \n"
            )
            .unwrap_err(),
            "line 2 of the discovery command's output gives an empty testcase: a/ "
        );
    }

    #[test]
    fn bounds_the_number_of_tests() {
        let all: String =
            (0..=MOST_TESTS).fold(String::new(), |all, n| all + &n.to_string() + "\n");
        let pattern = LinePattern::new("(?<suite>(?<testcase>[0-9]+))", Unmatched::Skip).unwrap();
        assert_eq!(read(&pattern, all.as_bytes()), Err(ListingError::TooMany));
        let fits = all.trim_end().rsplit_once('\n').unwrap().0;
        let listed = read(&pattern, fits.as_bytes()).unwrap();
        assert_eq!(listed.tests.len(), MOST_TESTS);
    }
}
