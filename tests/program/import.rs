//! Results on their way in: the bytes of an upload, what a service of ours makes of them, and what becomes of an upload
//! when a connection or a process dies in the middle.

mod broken;
mod bucket;
mod counted;
mod large_files;
mod processes;
mod refused;
mod stage;
mod wire;
