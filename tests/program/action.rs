//! The action as GitHub's runner runs it: a runner of our own, written after the sources of the real one, and what it
//! finds.

mod cancelling;
mod checkouts;
mod events;
mod hostile;
mod inputs;
mod played;
mod runner;
mod three_steps;
