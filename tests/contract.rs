//! The curl examples of the API's documentation, typed into a shell against the real service. The commands stand in
//! docs/curl.md, where people read them; what they must say and be answered stands here and in tests/fixtures/vendor.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "cli/support.rs"]
#[expect(dead_code, reason = "the tests of the command line use the rest")]
mod support;

#[path = "support/skip.rs"]
mod skip;

mod contract {
    mod examples;
    mod page;
}
