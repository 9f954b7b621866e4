//! Hostile names and outputs on their way to a log that a CI's runner reads: however they are put together, cut and
//! printed, the runner finds no command in them, and in our own commands exactly what was put in.
//!
//! `TESTPLAN_HOSTILE` says how many inputs, `TESTPLAN_HOSTILE_SEED` begins another sequence.

pub(super) mod hostile;
mod surfaces;
mod weak;

use std::thread;

use hostile::Hostile;
use surfaces::{Surface, judge};

/// How many inputs a plain `cargo test` tries: what takes seconds without optimisation.
const FEW: u64 = 100_000;

#[test]
fn no_input_becomes_a_command() {
    let number = |name: &str, usual| match std::env::var(name) {
        Ok(text) => text.replace('_', "").parse().expect(name),
        Err(_) => usual,
    };
    let inputs: u64 = number("TESTPLAN_HOSTILE", FEW);
    let seed = number("TESTPLAN_HOSTILE_SEED", 1);
    let threads = thread::available_parallelism().map_or(2, |it| it.get() as u64);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for index in (thread..inputs).step_by(usize::try_from(threads).expect("few")) {
                    let mut hostile = Hostile::new(seed, index);
                    let surface = Surface::any(&mut hostile);
                    if let Err(why) = judge(surface, &mut hostile) {
                        panic!("seed {seed}, input {index} on {surface:?}: {why}");
                    }
                }
            });
        }
    });
}
