//! Reading result files: every dialect, and files that mean harm.
#![expect(
    clippy::unwrap_used,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "result_file/junit.rs"]
mod junit;
