//! Squish tests from end to end: the real binary, a testplan.yml, and stand-ins that are as strict as squishrunner and
//! squishserver are said to be. docs/squish.md says which of that is documented and which assumed.

mod arguments;
mod attachments;
mod endings;
mod example;
mod licence;
mod servers;
mod set_up;
mod stand_ins;
mod suites;
mod test_center;
mod told;
