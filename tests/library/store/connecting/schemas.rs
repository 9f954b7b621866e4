//! Databases that are not testplan's, or not of this version, and servers whose disk is full.

use testplan::store::{OutageKind, StoreError};

use super::{assert_fails, assert_opens, open};
use crate::postgres_cluster::Cluster;

#[test]
fn databases_that_do_not_fit_are_refused_unchanged() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let url = |database: &str| cluster.url("postgres", database);
    for database in ["strange", "marked", "newer", "emptied"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
    }
    cluster.sql(
        "strange",
        "CREATE TABLE plans (id INT); CREATE VIEW events AS SELECT 1 AS x",
    );
    let place = format!(
        "PostgreSQL at 127.0.0.1:{}, database \"strange\"",
        cluster.port
    );
    let parts = ["(events and 1 more)", "a database of its own", &place];
    assert_fails(&url("strange"), &[], &parts);
    // It fails if a table was added.
    cluster.sql("strange", "CREATE TABLE testplan_schema (x INT)");
    assert_fails(&url("strange"), &[], &["(events and 2 more)"]);
    cluster.sql("marked", "CREATE TABLE testplan_schema (x INT)");
    assert_fails(
        &url("marked"),
        &[],
        &["(testplan_schema)", "a database of its own"],
    );

    assert_opens(&url("newer"), &[]);
    // A newer testplan only added something.
    cluster.sql("newer", "UPDATE testplan_schema SET version = 99");
    assert_opens(&url("newer"), &[]);
    cluster.sql("newer", "UPDATE testplan_schema SET usable_from = 98");
    assert_fails(
        &url("newer"),
        &[],
        &["has version 99", "use the newer testplan"],
    );
    cluster.sql(
        "emptied",
        "CREATE TABLE testplan_schema AS SELECT 1::BIGINT AS version",
    );
    assert_fails(&url("emptied"), &[], &["are missing", "restore a backup"]);

    // Another program's tables in another schema are no obstacle.
    cluster.sql("strange", "CREATE SCHEMA own");
    assert_opens(&url("strange"), &[("PGOPTIONS", "-c search_path=own")]);
    assert_opens(&url("strange"), &[("PGOPTIONS", "-c search_path=own")]);
}

#[test]
fn full_disk_of_the_server_is_an_outage_of_changes() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let url = cluster.url("postgres", "postgres");
    assert_opens(&url, &[]);
    // What the server reports when it cannot extend a file.
    cluster.sql(
        "postgres",
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
         $$BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$$;
         CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON replicas EXECUTE FUNCTION no_room()",
    );
    let error = open(&url, &[]).unwrap_err();
    let StoreError::Away(outage) = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (outage.kind, outage.reason.as_str()),
        (OutageKind::Changes, "its disk is full")
    );
    let place = format!("PostgreSQL at 127.0.0.1:{}", cluster.port);
    assert!(error.to_string().contains(&place), "{error}");
}
