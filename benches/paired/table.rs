//! What is printed.

use std::time::Duration;

use super::{
    cost::Cost,
    pairs::{Pairs, Ratio},
};

/// What a ratio should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// Told to understand the others.
    None,
}

/// A measured row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// What was done.
    pub(crate) what: &'a str,
    /// Beside what.
    pub(crate) beside: &'a str,
    pub(crate) pairs: &'a Pairs,
    /// Of the wall clock.
    pub(crate) wall: Aim,
    /// Of the CPU.
    pub(crate) cpu: Aim,
}

pub(crate) fn head() {
    println!(
        "\n{:<44} {:<22} {:>4}  {:>9} {:>9}  {:>6} {:<13}  aim",
        "ours", "beside", "", "ours", "beside", "ratio", "(min-max)"
    );
}

impl Row<'_> {
    /// Prints a line for the wall clock and one for the CPU.
    pub(crate) fn print(&self) {
        self.line(
            [self.what, self.beside, "wall"],
            |cost| cost.wall,
            self.wall,
        );
        self.line(["", "", "CPU"], |cost| cost.cpu, self.cpu);
    }

    fn line(&self, [what, beside, unit]: [&str; 3], of: fn(&Cost) -> Duration, aim: Aim) {
        let ratio = match aim {
            // "Eight times faster" reads better than "at most an eighth".
            Aim::AtLeast(_) => self.pairs.ratio(of).inverse(),
            Aim::AtMost(_) | Aim::None => self.pairs.ratio(of),
        };
        println!(
            "{what:<44} {beside:<22} {unit:>4}  {:>9} {:>9}  {:>6.2} {:<13}  {}",
            time(self.pairs.ours(of)),
            time(self.pairs.beside(of)),
            ratio.median,
            format!("({:.2}-{:.2})", ratio.least, ratio.most),
            aim.judge(ratio)
        );
    }
}

impl Aim {
    fn judge(self, ratio: Ratio) -> String {
        let (text, met) = match self {
            Self::AtMost(most) => (format!("≤ {most}"), ratio.median <= most),
            Self::AtLeast(least) => (format!("≥ {least} (beside / ours)"), ratio.median >= least),
            Self::None => return String::new(),
        };
        format!("{text} {}", if met { "met" } else { "BEHIND" })
    }
}

/// A single figure with its aim, if it has one.
pub(crate) fn figure(what: &str, value: &str, aim: &str) {
    println!("{what:<67} {:>4}  {value:>9} {aim}", "");
}

/// Why there is no figure, or how to read one.
pub(crate) fn note(text: &str) {
    println!("  - {text}");
}

pub(crate) fn time(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody reads the last digit of a size"
)]
pub(crate) fn bytes(count: u64) -> String {
    format!("{:.1} MiB", count as f64 / f64::from(1 << 20))
}
