//! Stands in for `squishrunner` in tests and in the example.
fn main() {}
