//! Records in, reports out: merging, the renderers against golden files, and hostile text on every surface.

mod annotations;
mod contrast;
mod golden;
mod hostile;
mod html;
mod junit;
mod lacks;
mod markdown;
mod memory;
mod merge;
mod service_counts;
mod size;
mod story;
mod summary;
mod tests_per_execution;
mod uploads;
