//! Commands as process groups, with real processes. A process tells by a pipe in the file system that it is ready, and
//! holds it open as long as it lives: the end of the pipe is the end of every holder.

mod ending;
mod listing;
mod output;
mod stage;
mod start;
