//! Reads the cases in the JSON of a record one after the other. Text without escapes is not copied.

use std::{borrow::Cow, fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, SeqAccess, Visitor},
};

use crate::model::{
    CaseResult,
    outcome::{CaseVerdict, Trouble},
};

/// A borrowed [`CaseResult`].
#[derive(Debug, Deserialize)]
pub(in crate::report) struct CaseLine<'a> {
    #[serde(borrow)]
    pub(in crate::report) classname: Cow<'a, str>,
    #[serde(borrow)]
    pub(in crate::report) name: Cow<'a, str>,
    #[serde(rename = "verdict")]
    pub(in crate::report) word: VerdictWord,
    #[serde(default)]
    flaky: bool,
    #[serde(borrow, default)]
    pub(in crate::report) message: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::report) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::report) text: Cow<'a, str>,
    pub(in crate::report) duration_ms: Option<u64>,
    #[serde(borrow, default)]
    pub(in crate::report) file: Option<BorrowedText<'a>>,
    #[serde(default)]
    pub(in crate::report) line: Option<u32>,
    #[serde(borrow, default)]
    pub(in crate::report) output: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::report) attachments: Vec<BorrowedText<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::report) enum VerdictWord {
    Passed,
    Failed,
    Error,
    Skipped,
}

/// A text inside another type, which serde does not borrow by itself.
#[derive(Debug, Deserialize)]
pub(in crate::report) struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for BorrowedText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl VerdictWord {
    /// Whether the case failed or broke.
    pub(in crate::report) fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }

    /// The verdict without its texts.
    pub(super) fn plain(self, flaky: bool) -> CaseVerdict {
        match self {
            Self::Passed => CaseVerdict::Passed { flaky },
            Self::Failed => CaseVerdict::Failed(Trouble::default()),
            Self::Error => CaseVerdict::Error(Trouble::default()),
            Self::Skipped => CaseVerdict::Skipped {
                message: String::new(),
            },
        }
    }
}

impl CaseLine<'_> {
    /// Whether it passed after it failed, according to the test tool.
    pub(in crate::report) fn flaky(&self) -> bool {
        self.flaky && self.word == VerdictWord::Passed
    }

    /// The case with owned texts.
    pub(super) fn into_result(self) -> CaseResult {
        let mut verdict = self.word.plain(self.flaky);
        match &mut verdict {
            CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => {
                *trouble = Trouble {
                    message: self.message.into_owned(),
                    kind: self.kind.into_owned(),
                    text: self.text.into_owned(),
                    // Decided before it was written down.
                    is_expected: false,
                };
            }
            CaseVerdict::Skipped { message } => *message = self.message.into_owned(),
            CaseVerdict::Passed { .. } => {}
        }
        CaseResult {
            classname: self.classname.into_owned(),
            name: self.name.into_owned(),
            verdict,
            duration_ms: self.duration_ms,
            file: self.file.map(|file| file.0.into_owned()),
            line: self.line,
            output: self.output.into_owned(),
            attachments: self
                .attachments
                .into_iter()
                .map(|path| path.0.into_owned())
                .collect(),
        }
    }
}

/// Passes each case of a JSON array to `take`, until it fails.
pub(in crate::report) fn each_case<F>(text: &str, take: F) -> Result<(), serde_json::Error>
where
    F: FnMut(CaseLine<'_>) -> Result<(), StopReading>,
{
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_seq(CaseVisitor(take))?;
    deserializer.end()
}

/// Stops reading before the next case.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct StopReading;

struct CaseVisitor<F>(F);

impl<'de, F> Visitor<'de> for CaseVisitor<F>
where
    F: FnMut(CaseLine<'_>) -> Result<(), StopReading>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of cases")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut cases: A) -> Result<(), A::Error> {
        while let Some(case) = cases.next_element::<CaseLine<'de>>()? {
            (self.0)(case).map_err(|StopReading| A::Error::custom("stopped"))?;
        }
        Ok(())
    }
}
