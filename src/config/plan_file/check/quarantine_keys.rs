//! The entries of a quarantine file.

use super::{Check, FirstLines};
use crate::{
    config::{
        config_problem::{ConfigError, ConfigProblem},
        plan_file::{
            marked::{Marked, Plain},
            quarantine_document::{EntrySection, MOST_DAYS, QuarantineDocument},
        },
    },
    model::{Capabilities, Day, QuarantineEntry},
};

/// Makes entries of a document, or returns all its mistakes.
pub(in crate::config::plan_file) fn entries(
    name: &str,
    text: &str,
    document: &QuarantineDocument,
    today: Day,
) -> Result<Vec<QuarantineEntry>, ConfigError> {
    let mut check = Check::of(text);
    let mut seen = FirstLines::new();
    let mut entries = Vec::new();
    for (index, section) in document.0.iter().enumerate() {
        let at = format!("[{index}]");
        entries.extend(check.entry(&at, section.get(), today, &mut seen));
    }
    check.finish(name, entries)
}

impl Check<'_> {
    fn entry(
        &mut self,
        at: &str,
        section: &EntrySection,
        today: Day,
        seen: &mut FirstLines<String>,
    ) -> Option<QuarantineEntry> {
        let capabilities = match &section.capabilities {
            Some(pairs) => self.labels(&format!("{at}.capabilities"), pairs.place(), pairs.get()),
            None => Capabilities::default(),
        };
        let path = format!("{at}.tests");
        let tests = self.patterns(&path, &section.tests);
        for pattern in &tests {
            let key = format!("{pattern}\0{capabilities}");
            let what = || format!("{:?}", pattern.to_string());
            self.once(seen, key, &path, section.tests.place(), what);
        }
        let owner = self.name(&format!("{at}.owner"), &section.owner);
        let reason = self.name(&format!("{at}.reason"), &section.reason);
        let link = section.link.as_ref();
        let link = link.map(|link| self.name(&format!("{at}.link"), link));
        let until = self.until(&format!("{at}.until"), &section.until, today)?;
        Some(QuarantineEntry {
            tests,
            owner,
            reason,
            link,
            until,
            capabilities,
        })
    }

    fn until(&mut self, path: &str, until: &Plain, today: Day) -> Option<Day> {
        let day = match Marked::get(until).parse::<Day>() {
            Ok(day) => day,
            Err(expected) => {
                self.report(until.place(), || {
                    ConfigProblem::new(path, "not a day").expecting(expected)
                });
                return None;
            }
        };
        if day.days_after(today) > MOST_DAYS {
            self.report(until.place(), || {
                ConfigProblem::new(
                    path,
                    format!("more than {MOST_DAYS} days from today, {today}"),
                )
                .expecting("a quarantine ends soon, and is renewed if it must be")
            });
        }
        Some(day)
    }
}
