//! Random numbers for names and secrets.

use std::io;

/// A random number.
pub(crate) fn number() -> io::Result<u32> {
    getrandom::u32().map_err(|error| io::Error::other(format!("no random numbers: {error}")))
}

/// Random hexadecimal digits, eight for each of `numbers`.
pub(crate) fn hex(numbers: usize) -> io::Result<String> {
    (0..numbers)
        .map(|_| number().map(|number| format!("{number:08x}")))
        .collect()
}
