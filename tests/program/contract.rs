//! The curl examples of the API's documentation, typed into a shell against the real service. The commands stand in
//! docs/curl.md, where people read them; what they must say and be answered stands here and in tests/fixtures/vendor.

mod examples;
mod page;
