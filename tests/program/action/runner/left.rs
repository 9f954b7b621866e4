//! Processes that nobody ended.

use std::fs;

/// The processes with this `RUNNER_TRACKING_ID` in their environment. One that is dead and not yet collected has none.
pub(crate) fn left(tracking: &str) -> Vec<u32> {
    let mark = format!("RUNNER_TRACKING_ID={tracking}");
    let marked = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|it| it == mark.as_bytes())
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(marked)
        .collect()
}
