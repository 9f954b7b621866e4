//! What tests of the whole binary have in common: a [`Stage`] for each test, testplan processes that start on it in a
//! scrubbed environment, and waiting for what they do instead of sleeping.
//!
//! Nothing here judges: tests say what must hold. Everything that was started ends with its stage.

mod command;
#[cfg(unix)]
mod forwarder;
#[expect(dead_code, reason = "the library's tests use the rest")]
mod http_server;
mod node;
mod pgbouncer;
mod plan_file;
#[cfg(unix)]
#[expect(dead_code, reason = "the library's tests use the rest")]
mod postgres_cluster;
mod postgres_schema;
mod process;
mod records;
pub(crate) mod runner_commands;
#[cfg(target_os = "linux")]
mod s3_server;
mod service;
pub(crate) mod skip;
mod squish;
mod stage;
#[cfg(unix)]
mod swallowing_proxy;
mod tap;
#[expect(dead_code, reason = "the example `testcenter` uses the rest")]
pub(crate) mod test_center;
mod until;

pub(crate) use command::Testplan;
#[cfg(unix)]
pub(crate) use forwarder::{Forwarder, UrlFault};
pub(crate) use http_server::{Answer, Connection, Ending, HttpRequest, HttpServer, free_port};
pub(crate) use node::node_with_test_runner;
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use plan_file::PlanFile;
#[cfg(unix)]
pub(crate) use postgres_cluster::Cluster;
pub(crate) use postgres_schema::PostgresSchema;
#[cfg(unix)]
pub(crate) use process::alive;
pub(crate) use process::{Ended, Process};
pub(crate) use records::{Records, files_below};
#[cfg(target_os = "linux")]
pub(crate) use s3_server::S3Server;
pub(crate) use service::Service;
pub(crate) use squish::{Squish, SquishServer, stand_in};
pub(crate) use stage::Stage;
#[cfg(unix)]
pub(crate) use swallowing_proxy::SwallowingProxy;
pub(crate) use tap::Tap;
pub(crate) use test_center::TestCenter;
pub(crate) use until::{PATIENCE, until, until_within};
