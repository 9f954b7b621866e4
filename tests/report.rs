//! Records in, reports out: merging, the renderers against golden files, and hostile text on every surface.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests read golden files, run xmllint, say what they skip, and share helpers"
)]

#[path = "report/annotations.rs"]
mod annotations;
#[path = "sanitiser/hostile.rs"]
mod generator;
#[path = "report/golden.rs"]
mod golden;
#[path = "report/hostile.rs"]
mod hostile;
#[path = "report/html.rs"]
mod html;
#[path = "report/junit.rs"]
mod junit;
#[path = "report/lacks.rs"]
mod lacks;
#[path = "report/markdown.rs"]
mod markdown;
#[path = "report/memory.rs"]
mod memory;
#[path = "report/merge.rs"]
mod merge;
#[path = "report/service_counts.rs"]
mod service_counts;
#[path = "report/size.rs"]
mod size;
#[path = "support/skip.rs"]
mod skip;
#[path = "report/story.rs"]
mod story;
#[path = "report/summary.rs"]
mod summary;
#[path = "report/uploads.rs"]
mod uploads;
