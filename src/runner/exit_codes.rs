//! What the exit codes of a command mean, as `exit-codes` of `testplan.yml` says.

use std::{fmt, ops::RangeInclusive};

use super::process_end::ProcessEnd;
use crate::{model::CaseResult, text};

/// The codes of tools that end with the number of failures: what an exit status of Unix can hold.
const COUNTED: RangeInclusive<i32> = 1..=255;
/// Where such tools stop counting: Qt Test, Robot Framework, and the exit status itself.
const CAPS: [i32; 3] = [127, 250, 255];

/// What the exit codes of the command mean. Any other code is an execution error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitCodes {
    /// The test ran and passed.
    pub passed: CodeSet,
    /// The test ran and failed.
    pub failed: CodeSet,
    /// The code of a failure is the number of failures.
    pub counts_failures: bool,
}

/// What one exit code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeMeaning {
    /// The test ran and passed.
    Passed,
    /// The test ran and failed.
    Failed,
    /// Neither: the test could not run.
    Neither,
}

impl ExitCodes {
    /// What a code means.
    pub fn meaning(&self, code: i32) -> CodeMeaning {
        if self.passed.contains(code) {
            CodeMeaning::Passed
        } else if self.failed.contains(code) {
            CodeMeaning::Failed
        } else {
            CodeMeaning::Neither
        }
    }

    /// The codes with a meaning, for the message about another one.
    pub fn expected(&self) -> String {
        format!(
            "neither a code of a pass ({}) nor of a failure ({})",
            self.passed, self.failed
        )
    }

    /// A note if the code counts another number of failures than the result file has. It does not decide: tools count
    /// assertions, hooks or rows of data, and stop at a cap.
    pub(crate) fn miscounted(&self, ending: ProcessEnd, cases: &[CaseResult]) -> Option<String> {
        let ProcessEnd::Exited(code @ 1..) = ending else {
            return None;
        };
        if !self.counts_failures {
            return None;
        }
        let failing = cases.iter().filter(|case| case.verdict.is_failure());
        let failing = failing.count();
        let counted = usize::try_from(code).ok()?;
        let is_capped = CAPS.contains(&code) && failing > counted;
        (failing != counted && !is_capped).then(|| {
            let failures = text::counted(code, "failure");
            format!("exit code {code} stands for {failures}, the results have {failing}")
        })
    }
}

/// A set of exit codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeSet(Vec<RangeInclusive<i32>>);

impl CodeSet {
    /// Whether a code is in it.
    pub fn contains(&self, code: i32) -> bool {
        self.0.iter().any(|range| range.contains(&code))
    }

    /// Whether no code is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds codes.
    pub fn add(&mut self, range: RangeInclusive<i32>) {
        self.0.push(range);
    }

    /// The first codes that a range shares with it.
    pub fn shared(&self, range: &RangeInclusive<i32>) -> Option<RangeInclusive<i32>> {
        self.0.iter().find_map(|own| {
            let shared = *own.start().max(range.start())..=*own.end().min(range.end());
            (!shared.is_empty()).then_some(shared)
        })
    }
}

impl<const N: usize> From<[i32; N]> for CodeSet {
    fn from(codes: [i32; N]) -> Self {
        Self(codes.into_iter().map(|code| code..=code).collect())
    }
}

impl fmt::Display for CodeSet {
    /// As `0, 2-250`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&range_text(range))?;
        }
        Ok(())
    }
}

/// A range in the syntax of `testplan.yml`.
pub(crate) fn range_text(range: &RangeInclusive<i32>) -> String {
    if range.start() == range.end() {
        range.start().to_string()
    } else {
        format!("{}-{}", range.start(), range.end())
    }
}

/// What one entry of `exit-codes` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CodeEntry {
    Codes(RangeInclusive<i32>),
    /// The code is the number of failures.
    Count,
}

impl CodeEntry {
    /// The codes that it takes.
    pub(crate) fn codes(&self) -> RangeInclusive<i32> {
        match self {
            Self::Codes(codes) => codes.clone(),
            Self::Count => COUNTED,
        }
    }

    /// Reads `3`, `2-250`, `-5--1`, `0xC0000005` or `count`.
    pub(crate) fn parse(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        if text == "count" {
            return Ok(Self::Count);
        }
        // A dash in front is the sign of a negative code.
        let dash = text.char_indices().skip(1).find(|(_, c)| *c == '-');
        let Some((dash, _)) = dash else {
            let code = code(text)?;
            return Ok(Self::Codes(code..=code));
        };
        let (first, last) = (code(&text[..dash])?, code(&text[dash + 1..])?);
        if first > last {
            return Err(CodeError::Reversed { first, last });
        }
        Ok(Self::Codes(first..=last))
    }
}

/// Why a text is no entry of `exit-codes`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodeError {
    /// Neither a code nor a range nor `count`.
    #[error("not an exit code")]
    Unreadable,
    /// Its last code is below its first.
    #[error("a range that ends below its beginning")]
    Reversed { first: i32, last: i32 },
}

/// One code. Windows shows the same 32 bits as a negative number, as one above 2,147,483,647, or in hexadecimal.
fn code(text: &str) -> Result<i32, CodeError> {
    let text = text.trim();
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = hexadecimal {
        return u32::from_str_radix(digits, 16)
            .map(u32::cast_signed)
            .map_err(|_| CodeError::Unreadable);
    }
    text.parse::<i32>()
        .or_else(|_| text.parse::<u32>().map(u32::cast_signed))
        .map_err(|_| CodeError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{CaseVerdict, Trouble};

    #[test]
    fn entries_are_codes_ranges_and_count() {
        let table = [
            ("3", 3..=3),
            (" -1073741819 ", -1_073_741_819..=-1_073_741_819),
            ("3221225477", -1_073_741_819..=-1_073_741_819),
            ("0xC0000005", -1_073_741_819..=-1_073_741_819),
            ("2-250", 2..=250),
            ("101 - 199", 101..=199),
            ("-5--1", -5..=-1),
            ("-5-1", -5..=1),
            ("0xC0000000-0xFFFFFFFF", -1_073_741_824..=-1),
            ("7-7", 7..=7),
            ("count", 1..=255),
        ];
        for (text, codes) in table {
            assert_eq!(CodeEntry::parse(text).unwrap().codes(), codes, "{text}");
        }
        for text in [
            "",
            "-",
            "2-",
            "one",
            "1.5",
            "4294967296",
            "1-2-3",
            "Count",
            "1..3",
            "0x",
        ] {
            assert_eq!(CodeEntry::parse(text), Err(CodeError::Unreadable), "{text}");
        }
        assert_eq!(
            CodeEntry::parse("250-2"),
            Err(CodeError::Reversed {
                first: 250,
                last: 2
            })
        );
    }

    #[test]
    fn ranges_are_shown_short() {
        let mut codes = ExitCodes {
            passed: [0].into(),
            ..ExitCodes::default()
        };
        assert_eq!(
            codes.expected(),
            "neither a code of a pass (0) nor of a failure (none)"
        );
        codes.failed.add(1..=250);
        codes.failed.add(300..=300);
        assert_eq!(
            codes.expected(),
            "neither a code of a pass (0) nor of a failure (1-250, 300)"
        );
        assert_eq!(codes.meaning(0), CodeMeaning::Passed);
        assert_eq!(codes.meaning(250), CodeMeaning::Failed);
        assert_eq!(codes.meaning(251), CodeMeaning::Neither);
        assert_eq!(codes.failed.shared(&(200..=400)), Some(200..=250));
        assert_eq!(codes.failed.shared(&(251..=299)), None);
    }

    #[test]
    fn a_count_that_differs_from_the_results_is_noted_unless_it_is_capped() {
        let failing = |count: usize| {
            let case = CaseResult {
                classname: String::new(),
                name: "x".to_owned(),
                verdict: CaseVerdict::Failed(Trouble::default()),
                duration_ms: None,
                file: None,
                line: None,
                output: String::new(),
                attachments: Vec::new(),
            };
            vec![case; count]
        };
        let counting = ExitCodes {
            passed: [0].into(),
            failed: CodeSet(vec![COUNTED]),
            counts_failures: true,
        };
        let noted = |code, count| counting.miscounted(ProcessEnd::Exited(code), &failing(count));
        assert_eq!(noted(2, 2), None);
        assert_eq!(noted(250, 300), None);
        assert_eq!(noted(127, 128), None);
        assert_eq!(noted(0, 1), None);
        assert_eq!(
            noted(3, 2).unwrap(),
            "exit code 3 stands for 3 failures, the results have 2"
        );
        assert_eq!(
            noted(1, 2).unwrap(),
            "exit code 1 stands for 1 failure, the results have 2"
        );
        assert_eq!(
            noted(127, 2).unwrap(),
            "exit code 127 stands for 127 failures, the results have 2"
        );
        let plain = ExitCodes {
            counts_failures: false,
            ..counting
        };
        assert_eq!(plain.miscounted(ProcessEnd::Exited(3), &failing(2)), None);
    }
}
