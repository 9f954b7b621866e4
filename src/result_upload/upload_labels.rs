//! The labels of uploaded results.

use crate::{
    ci::Ci,
    failure::Failure,
    model::{Capabilities, Label},
};

/// The labels of a worker's results: its capabilities and what the CI says. An error names a label that Test Center
/// would refuse.
pub(crate) fn worker_labels(offered: &Capabilities, ci: &Ci) -> Result<Vec<Label>, Failure> {
    let labels = offered.iter().cloned().map(Label::try_from);
    let labels = labels.collect::<Result<Vec<_>, _>>().map_err(|error| {
        Failure::usage(error)
            .help("write the capability without it; run and work also take --upload never")
    })?;
    Ok(with_ci_labels(labels, ci))
}

/// Adds the labels of the CI whose keys are not there yet.
pub(crate) fn with_ci_labels(mut labels: Vec<Label>, ci: &Ci) -> Vec<Label> {
    for hidden in ci.hidden_labels() {
        if !labels.iter().any(|label| label.key() == hidden.key()) {
            labels.push(hidden);
        }
    }
    labels
}

/// Labels for a line of text.
pub(crate) fn joined(labels: &[Label]) -> String {
    if labels.is_empty() {
        return "with nothing".to_owned();
    }
    let labels: Vec<String> = labels.iter().map(Label::to_string).collect();
    labels.join(", ")
}
