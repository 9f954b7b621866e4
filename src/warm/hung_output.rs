//! What can be found out about a test that hangs: its stack, and the output that pytest has captured so far.

use std::path::Path;

use crate::runner::tail;

/// How much of each is kept.
const LINES: usize = 80;
const BYTES: usize = 16 * 1024;

/// What pytest captured of the running test: it keeps it in files that are deleted already, whose only name is below
/// `/proc`. Files alone: reading a pipe would take its content away.
#[cfg(target_os = "linux")]
pub(super) fn captured(pid: u32) -> String {
    let mut text = String::new();
    for (number, title) in [(1, "stdout"), (2, "stderr")] {
        let path = format!("/proc/{pid}/fd/{number}");
        let path = Path::new(&path);
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            let captured = tail(path, LINES, BYTES);
            if !captured.is_empty() {
                text.push_str("---- captured ");
                text.push_str(title);
                text.push_str(" ----\n");
                text.push_str(&captured);
                text.push('\n');
            }
        }
    }
    text
}

/// Other systems do not show it.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn captured(_pid: u32) -> String {
    String::new()
}

/// The stack that Python's fault handler wrote at the end of a process's log.
pub(super) fn stack(log: &Path) -> String {
    stack_in(&tail(log, 1000, 128 * 1024))
}

/// The line of the error, and the innermost frames of the thread that had it. The others are in the log.
fn stack_in(text: &str) -> String {
    const FRAMES: usize = 25;
    let Some(from) = text.rfind("Fatal Python error:") else {
        return String::new();
    };
    let mut lines = text[from..].lines();
    let mut stack: Vec<&str> = lines.next().into_iter().collect();
    let current = lines.skip_while(|line| !line.starts_with("Current thread"));
    stack.extend(current.take_while(|line| !line.is_empty()).take(FRAMES));
    stack.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_is_that_of_the_current_thread_after_the_last_fatal_error() {
        let text = "..\nFatal Python error: Aborted\n\nThread 0x2 (most recent call first):\n  File \"u.py\", line 1 in wait\n\n\
                    Current thread 0x1:\n  File \"t.py\", line 3 in test_x\n\nExtension modules: a\n";
        let expected =
            "Fatal Python error: Aborted\nCurrent thread 0x1:\n  File \"t.py\", line 3 in test_x";
        assert_eq!(stack_in(text), expected);
        assert_eq!(stack_in(".....F\n"), "");
    }
}
