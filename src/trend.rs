//! What earlier runs say: of one test over time, and of a plan beside the one before. Pure: from facts of the store to statements.

mod comparison;
mod daily;
mod messages;
mod overview;
mod spell;
mod telling;
mod test_trend;
mod usual;

pub(crate) use comparison::{Change, Comparison};
pub(crate) use daily::{Day, days};
pub(crate) use messages::{MessageGroup, by_message};
pub(crate) use overview::{PlanCells, TestOverview, overview};
pub(crate) use spell::{RunPlace, Spell};
pub(crate) use telling::tells_of_test;
pub(crate) use test_trend::{SystemTrend, TRANSITIONS_OF_FLAKY, trends};
