//! The service over SQLite: every example of the vendor's page, every way to get a request wrong, access,
//! limits, long polls and shutdown.

mod access;
mod batches;
mod examples;
mod held_store;
mod limits;
mod lists;
mod needs;
mod openapi;
mod pages;
mod refusals;
mod server_trouble;
mod shutdown;
mod support;
mod waiting;
