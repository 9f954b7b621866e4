//! The pages of docs/: their commands run, their generated parts are those of the code, their links lead somewhere, and the
//! messages that they explain exist.

#[cfg(unix)]
mod commands;
mod flags;
mod generated;
mod links;
mod messages;
mod page;
#[cfg(unix)]
mod tools;
