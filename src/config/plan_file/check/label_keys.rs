//! Capabilities of configurations and labels of Squish servers.

use std::ops::Range;

use super::{Check, FirstLines};
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::marked::{Marked, Pairs},
    },
    model::{Capabilities, Capability},
};

/// Bounds of the protocol: labels of one thing, and characters of a key or value.
const MOST: usize = 64;
const LONGEST: usize = 256;

impl Check<'_> {
    /// A set of capabilities within the protocol's bounds.
    pub(super) fn labels(
        &mut self,
        path: &str,
        place: Range<usize>,
        pairs: &Pairs,
    ) -> Capabilities {
        if pairs.0.len() > MOST {
            self.report(place, || {
                ConfigProblem::new(path, format!("{} labels", pairs.0.len()))
                    .expecting(format!("at most {MOST} are possible"))
            });
        }
        let mut seen = FirstLines::new();
        let mut labels = Vec::new();
        for (key, value) in &pairs.0 {
            let at = format!("{path}.{}", key.get());
            self.label(&at, "key", key);
            self.label(&at, "value", value);
            if key.get().contains('=') {
                self.report(key.place(), || {
                    ConfigProblem::new(&at, "the key contains =")
                        .expecting("--capability KEY=VALUE could not name it")
                });
            }
            let folded = key.get().to_lowercase();
            self.once(&mut seen, folded, &at, key.place(), || {
                "the same key".to_owned()
            });
            labels.push(Capability::new(key.get(), value.get()));
        }
        labels.into()
    }

    fn label(&mut self, path: &str, what: &str, text: &Marked<String>) {
        let message = if text.get().trim().is_empty() {
            format!("the {what} is empty")
        } else if text.get().chars().nth(LONGEST).is_some() {
            format!("the {what} is longer than {LONGEST} characters")
        } else if text.get().trim() != text.get() {
            format!("the {what} begins or ends with a blank, so that nothing will match it")
        } else if text.get().contains('\0') {
            format!("the {what} contains a NUL character")
        } else {
            return;
        };
        self.report(text.place(), || ConfigProblem::new(path, message));
    }
}
