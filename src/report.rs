//! Makes reports from records: a verdict, JUnit, HTML, Markdown, JSON and console lines, as bytes, not as files.
//!
//! [`read`] parses record files. [`mod@merge`] merges them into one [`PlanReport`], in which every planned execution has a
//! counted result or is missing. [`cases`] stay in the record files; [`junit`] reads them again while it writes. `view`
//! selects and words what people read. The surfaces ([`junit`], [`html`], [`summary`], [`console`], [`mod@json`],
//! [`status_line`]) are pure functions of the report. Names, messages and outputs are foreign text: each surface passes
//! them through its function of [`sanitise`].

pub mod annotations;
pub mod cases;
pub mod console;
pub mod deciding;
pub mod discovery_text;
pub mod earlier_try;
mod entry_status;
pub mod excerpt;
pub mod explanation;
mod failure_details;
pub mod html;
pub mod incomplete_cause;
pub mod json;
pub mod junit;
pub mod merge;
pub mod plan_report;
pub mod read;
pub mod report_entry;
pub mod sanitise;
pub mod service_counts;
pub mod status_line;
pub mod summary;
mod test_counts;
pub mod time_text;
pub mod unmet_capabilities;
mod value_comparison;
pub(crate) mod view;

pub use cases::{Cases, RecordSource};
pub use entry_status::EntryStatus;
pub use explanation::Explanation;
pub use incomplete_cause::IncompleteCause;
pub use json::json;
pub use merge::{Evidence, MergeError, merge};
pub use plan_report::{PlanFacts, PlanReport, Proof, ServiceCounts, WorkerReport};
pub use read::{ReadError, RecordFile, parse_record_file, read_record_file};
pub use report_entry::{AttemptEnd, AttemptReport, Counting, ReportEntry};
pub use test_counts::Counts;
pub use unmet_capabilities::UnmetCapabilities;
