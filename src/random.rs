//! Random numbers for names and secrets.

mod split_mix;

use std::io;

pub(crate) use split_mix::SplitMix;

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

/// A key that no other request has: 128 random bits.
pub(crate) fn unique_key() -> String {
    hex(4).expect("the operating system has random bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique() {
        assert_ne!(unique_key(), unique_key());
        assert_eq!(unique_key().len(), 32);
    }
}
