//! Results on their way in: the bytes of an upload, what a service of ours makes of them, and what becomes of an upload
//! when a connection or a process dies in the middle.
#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod import {
    mod counted;
    mod stage;
    mod wire;
}
