//! The tools, and a test of a check for each of them.

mod ava;
mod bats;
mod behave;
mod boost_test;
mod bun;
mod catch2;
mod cpp;
mod cpputest;
mod ctest;
mod cucumber_js;
mod deno;
mod doctest;
mod exunit;
mod go;
mod googletest;
mod gradle;
pub(crate) mod javascript;
mod jest;
mod libtest;
pub(crate) mod maven;
mod meson;
mod minitest;
mod mocha;
mod nextest;
mod node_test;
mod phpunit;
mod playwright;
mod prove;
mod pytest;
mod qt_test;
mod robot;
mod rspec;
mod unittest;
mod vitest;

use super::tool::Tool;

pub(crate) use ava::AVA;
pub(crate) use bats::BATS;
pub(crate) use behave::BEHAVE;
pub(crate) use boost_test::BOOST_TEST;
pub(crate) use bun::BUN;
pub(crate) use catch2::CATCH2_V2;
pub(crate) use cpputest::CPPUTEST;
pub(crate) use ctest::{CTEST, CTEST_4};
pub(crate) use cucumber_js::{CUCUMBER_JS, CUCUMBER_JS_SESSION};
pub(crate) use deno::DENO;
pub(crate) use doctest::DOCTEST;
pub(crate) use exunit::EXUNIT;
pub(crate) use go::GO;
pub(crate) use googletest::GOOGLETEST;
pub(crate) use gradle::GRADLE;
pub(crate) use jest::{JEST, JEST_SESSION};
pub(crate) use libtest::LIBTEST;
pub(crate) use maven::MAVEN;
pub(crate) use meson::MESON;
pub(crate) use minitest::MINITEST;
pub(crate) use mocha::{MOCHA, MOCHA_SESSION};
pub(crate) use nextest::NEXTEST;
pub(crate) use node_test::NODE_TEST;
pub(crate) use phpunit::PHPUNIT;
pub(crate) use playwright::PLAYWRIGHT;
pub(crate) use prove::PROVE;
pub(crate) use pytest::{PYTEST_BATCH, PYTEST_SESSION};
pub(crate) use qt_test::{QT_5, QT_6};
pub(crate) use robot::ROBOT;
pub(crate) use rspec::RSPEC;
pub(crate) use unittest::UNITTEST;
pub(crate) use vitest::{VITEST, VITEST_SESSION};

/// Passes all tools to another macro, after what that one gets beside them.
macro_rules! with_all_tools {
    ($macro:ident! $($more:tt)*) => {
        $macro! { $($more)*;
            ava: AVA,
            bats: BATS,
            behave: BEHAVE,
            bun: BUN,
            boost_test: BOOST_TEST,
            catch2_v2: CATCH2_V2,
            cpputest: CPPUTEST,
            ctest: CTEST,
            ctest_4: CTEST_4,
            cucumber_js: CUCUMBER_JS,
            cucumber_js_session: CUCUMBER_JS_SESSION,
            deno: DENO,
            doctest: DOCTEST,
            exunit: EXUNIT,
            go: GO,
            googletest: GOOGLETEST,
            gradle: GRADLE,
            jest: JEST,
            jest_session: JEST_SESSION,
            libtest: LIBTEST,
            maven: MAVEN,
            meson: MESON,
            minitest: MINITEST,
            mocha: MOCHA,
            mocha_session: MOCHA_SESSION,
            nextest: NEXTEST,
            node_test: NODE_TEST,
            phpunit: PHPUNIT,
            playwright: PLAYWRIGHT,
            prove: PROVE,
            pytest_batch: PYTEST_BATCH,
            pytest_session: PYTEST_SESSION,
            qt_5: QT_5,
            qt_6: QT_6,
            robot: ROBOT,
            rspec: RSPEC,
            unittest: UNITTEST,
            vitest: VITEST,
            vitest_session: VITEST_SESSION,
        }
    };
}

/// `for_each_tool!(name, check)`: a module `name` with a test for each tool, which calls `check` with it.
macro_rules! for_each_tool {
    ($name:ident, $check:ident) => {
        crate::presets::tools::with_all_tools! { for_each_tool! $name, $check }
    };
    ($name:ident, $check:ident; $($test:ident: $tool:ident,)*) => {
        mod $name {
            use super::$check;
            use crate::presets::tools;

            $(#[test]
            fn $test() {
                $check(&tools::$tool);
            })*
        }
    };
}

macro_rules! list {
    (; $($test:ident: $tool:ident,)*) => {
        &[$(&$tool),*]
    };
}

/// All of them, some in several modes.
pub(crate) static TOOLS: &[&Tool] = with_all_tools! { list! };

pub(super) use for_each_tool;
pub(crate) use with_all_tools;
