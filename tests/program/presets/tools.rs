//! The tools, and a test of a check for each of them.

mod behave;
mod catch2;
mod cpp;
mod ctest;
mod cucumber_js;
mod doctest;
mod go;
mod googletest;
mod javascript;
mod jest;
mod mocha;
mod nextest;
mod node_test;
mod playwright;
mod pytest;
mod robot;
mod unittest;
mod vitest;

pub(crate) use behave::BEHAVE;
pub(crate) use catch2::CATCH2_V2;
pub(crate) use ctest::CTEST;
pub(crate) use cucumber_js::CUCUMBER_JS;
pub(crate) use doctest::DOCTEST;
pub(crate) use go::GO;
pub(crate) use googletest::GOOGLETEST;
pub(crate) use jest::JEST;
pub(crate) use mocha::MOCHA;
pub(crate) use nextest::NEXTEST;
pub(crate) use node_test::NODE_TEST;
pub(crate) use playwright::PLAYWRIGHT;
pub(crate) use pytest::{PYTEST_BATCH, PYTEST_SESSION};
pub(crate) use robot::ROBOT;
pub(crate) use unittest::UNITTEST;
pub(crate) use vitest::VITEST;

/// `for_each_tool!(name, check)`: a module `name` with a test for each tool, which calls `check` with it.
macro_rules! for_each_tool {
    ($name:ident, $check:ident) => {
        for_each_tool! { $name, $check;
            behave: BEHAVE,
            catch2_v2: CATCH2_V2,
            ctest: CTEST,
            cucumber_js: CUCUMBER_JS,
            doctest: DOCTEST,
            go: GO,
            googletest: GOOGLETEST,
            jest: JEST,
            mocha: MOCHA,
            nextest: NEXTEST,
            node_test: NODE_TEST,
            playwright: PLAYWRIGHT,
            pytest_batch: PYTEST_BATCH,
            pytest_session: PYTEST_SESSION,
            robot: ROBOT,
            unittest: UNITTEST,
            vitest: VITEST,
        }
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

pub(super) use for_each_tool;
