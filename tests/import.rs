//! Results on their way in: the bytes of an upload, what a service of ours makes of them, and what becomes of an upload
//! when a connection or a process dies in the middle.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

mod support;

mod import {
    mod broken;
    mod counted;
    mod processes;
    mod refused;
    mod stage;
    mod wire;
}
