//! Presets: how each test tool lists its tests, runs many of them in one call, and shows their results.
//!
//! A preset is data with two pure functions: [`Preset::read_listing`] turns what the tool lists into tests, and
//! [`Preset::call`] turns tests into arguments. Nothing is started here.

mod ava_preset;
mod bats_preset;
mod behave_preset;
mod boost_test_preset;
mod bun_preset;
mod catch2_preset;
mod class_file;
mod cpputest_preset;
mod ctest_preset;
mod cucumber_js_preset;
mod deno_preset;
mod description;
mod doctest_preset;
mod exunit_preset;
mod go_preset;
mod googletest_preset;
mod gradle_preset;
mod jest_preset;
mod libtest_preset;
mod maven_preset;
mod meson_preset;
mod minitest_preset;
mod mocha_preset;
mod nextest_preset;
mod node_test_preset;
mod phpunit_preset;
mod playwright_preset;
mod prove_preset;
mod pytest_preset;
mod qt_test_preset;
mod robot_preset;
mod rspec_preset;
mod selected_call;
mod test_listing;
mod tool_preset;
mod unittest_preset;
mod vitest_preset;

use std::sync::LazyLock;

pub use ava_preset::AVA;
pub use bats_preset::BATS;
pub use behave_preset::BEHAVE;
pub use boost_test_preset::BOOST_TEST;
pub use bun_preset::BUN;
pub use catch2_preset::{CATCH2, CATCH2_V2};
pub use class_file::{BadClassFile, ClassFile};
pub use cpputest_preset::CPPUTEST;
pub use ctest_preset::CTEST;
pub use cucumber_js_preset::CUCUMBER_JS;
pub use deno_preset::DENO;
pub use description::Description;
pub use doctest_preset::DOCTEST;
pub use exunit_preset::EXUNIT;
pub use go_preset::GO;
pub use googletest_preset::GOOGLETEST;
pub use gradle_preset::GRADLE;
pub use jest_preset::JEST;
pub use libtest_preset::LIBTEST;
pub use maven_preset::{MAVEN, report_text};
pub use meson_preset::{MESON, MESON_LOG};
pub use minitest_preset::MINITEST;
pub use mocha_preset::MOCHA;
pub use nextest_preset::NEXTEST;
pub use node_test_preset::NODE_TEST;
pub use phpunit_preset::PHPUNIT;
pub use playwright_preset::PLAYWRIGHT;
pub use prove_preset::PROVE;
pub use pytest_preset::PYTEST;
pub use qt_test_preset::QT_TEST;
pub use robot_preset::ROBOT;
pub use rspec_preset::RSPEC;
pub use selected_call::{CallPaths, NotSelected, PresetCall, Reports};
pub use test_listing::{BadListing, ToolListing};
pub(crate) use tool_preset::filled;
pub use tool_preset::{ClassFolders, Evidence, ListingOutput, Preset, ToolSession};
pub use unittest_preset::UNITTEST;
pub use vitest_preset::VITEST;

/// All presets, by name.
pub static PRESETS: &[&Preset] = &[
    &AVA,
    &BATS,
    &BEHAVE,
    &BOOST_TEST,
    &BUN,
    &CATCH2,
    &CATCH2_V2,
    &CPPUTEST,
    &CTEST,
    &CUCUMBER_JS,
    &DENO,
    &DOCTEST,
    &EXUNIT,
    &GO,
    &GOOGLETEST,
    &GRADLE,
    &JEST,
    &LIBTEST,
    &MAVEN,
    &MESON,
    &MINITEST,
    &MOCHA,
    &NEXTEST,
    &NODE_TEST,
    &PHPUNIT,
    &PLAYWRIGHT,
    &PROVE,
    &PYTEST,
    &QT_TEST,
    &ROBOT,
    &RSPEC,
    &UNITTEST,
    &VITEST,
];

/// Their names.
pub(crate) static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| PRESETS.iter().map(|preset| preset.name).collect());

impl Preset {
    /// The preset of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().copied().find(|preset| preset.name == name)
    }
}
