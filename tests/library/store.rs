//! What every store owes, whatever database is under it: the behaviour suite, the comparison with a small model of the
//! protocol, and for SQLite its files, its groups and its crashes.

pub(crate) mod behaviour;
#[cfg(unix)]
mod connecting;
pub(crate) mod files;
pub(crate) mod losses;
pub(crate) mod model;
pub(crate) mod moving;
pub(crate) mod random;
pub(crate) mod replicas;
pub(crate) mod restarts;
pub(crate) mod upgrade;
pub(crate) mod world;

/// Runs every behaviour against what `$factory` makes.
macro_rules! behaves {
    ($factory:path: $($module:ident: $($name:ident)*;)*) => {$(
        mod $module {
            $(#[tokio::test]
            async fn $name() {
                crate::store::behaviour::$module::$name($factory).await;
            })*
        }
    )*};
}

mod sqlite {
    crate::store::behaviour::every!(behaves, crate::store::world::on_sqlite);
}

/// The same against PostgreSQL, if there is one.
macro_rules! behaves_on_postgres {
    ($factory:path: $($module:ident: $($name:ident)*;)*) => {$(
        mod $module {
            $(#[tokio::test]
            async fn $name() {
                if crate::store::world::has_postgres() {
                    crate::store::behaviour::$module::$name($factory).await;
                }
            })*
        }
    )*};
}

mod postgres {
    crate::store::behaviour::every!(behaves_on_postgres, crate::store::world::on_postgres);
}
