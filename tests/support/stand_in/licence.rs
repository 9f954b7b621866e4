//! A licence server that cannot be reached for a while.

use std::{io::Write as _, process::exit};

/// Ends with 37 for the first `STAND_IN_NO_LICENCE` calls, which are counted as lines of `STAND_IN_LICENCE_CALLS`.
pub(crate) fn take() {
    let variable = |name| std::env::var(name).ok();
    let (Some(missing), Some(calls)) = (
        variable("STAND_IN_NO_LICENCE").and_then(|count| count.parse::<usize>().ok()),
        variable("STAND_IN_LICENCE_CALLS"),
    ) else {
        return;
    };
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&calls)
        .unwrap();
    file.write_all(b"call\n").unwrap();
    let made = std::fs::read_to_string(&calls).unwrap().lines().count();
    if made <= missing {
        eprintln!("squishrunner: the licence server cannot be reached");
        exit(37);
    }
}
