//! Users, passwords and databases.

use std::{fs, path::Path};

use super::{assert_fails, assert_opens};
use crate::postgres_cluster::{Cluster, private};

const ACCESS: &str = "host all scram,ghost 127.0.0.1/32 scram-sha-256
host all plain 127.0.0.1/32 password
host all few,group,nobody_knows,owner 127.0.0.1/32 trust
host all kerberos 127.0.0.1/32 gss
hostssl all only_tls 127.0.0.1/32 trust";

fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start("", ACCESS)?;
    cluster.sql(
        "postgres",
        "CREATE ROLE scram LOGIN PASSWORD 's3cret'; CREATE ROLE plain LOGIN PASSWORD 's3cret';
         CREATE ROLE few LOGIN CONNECTION LIMIT 0; CREATE ROLE \"group\"; CREATE ROLE only_tls LOGIN;
         CREATE ROLE owner LOGIN",
    );
    for user in ["scram", "plain"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {user} OWNER {user}"));
    }
    Some(cluster)
}

#[test]
fn refused_logins_name_place_reason_and_advice() {
    let Some(cluster) = cluster() else { return };
    let place = format!("PostgreSQL at 127.0.0.1:{}, database", cluster.port);
    for (user, variables, parts) in [
        (
            "scram",
            &[][..],
            &[
                "asks for a password for the user \"scram\"",
                "set PGPASSWORD",
            ][..],
        ),
        (
            "scram",
            &[("PGPASSWORD", "wr0ng")],
            &["password from PGPASSWORD (SQLSTATE 28P01)"],
        ),
        ("scram:wr0ng", &[], &["rather than in the address"]),
        (
            "plain",
            &[("PGPASSWORD", "wr0ng")],
            &["the user \"plain\" or the password"],
        ),
        (
            "ghost",
            &[("PGPASSWORD", "wr0ng")],
            &["the user \"ghost\" or the password"],
        ),
        (
            "nobody_knows",
            &[],
            &["does not exist", "createuser nobody_knows"],
        ),
        ("group", &[], &["is a group", "PGUSER"]),
        (
            "few",
            &[],
            &["no connection left (SQLSTATE 53300)", "max_connections"],
        ),
        (
            "kerberos",
            &[],
            &["a login that testplan does not have", "pg_hba.conf"],
        ),
        (
            "only_tls",
            &[],
            &["pg_hba.conf does not let", "add an entry"],
        ),
        (
            "only_tls",
            &[("PGSSLMODE", "disable")],
            &["without TLS", "set sslmode"],
        ),
        (
            "stranger",
            &[],
            &["pg_hba.conf does not let \"stranger\" use \"postgres\" from here (SQL"],
        ),
        (
            "owner",
            &[],
            &["may not create or use tables", "owner of the database"],
        ),
    ] {
        let parts = [parts, &["; ", &place]].concat();
        assert_fails(&cluster.url(user, "postgres"), variables, &parts);
    }
    assert_fails(
        &cluster.url("postgres", "none"),
        &[],
        &[
            "database \"none\" does not exist",
            "createdb --owner=postgres none",
        ],
    );
    assert_fails(
        &cluster.url("postgres", "postgres"),
        &[("PGOPTIONS", "-c no_such_setting=1")],
        &["an option of the connection", "PGOPTIONS"],
    );
    assert_fails(
        &cluster.url("postgres", "postgres"),
        &[("PGOPTIONS", "-c search_path=none")],
        &["search path", "create the schema"],
    );
}

#[test]
fn passwords_come_from_url_variable_service_and_file() {
    let Some(cluster) = cluster() else { return };
    assert_opens(&cluster.url("scram:s3cret", "scram"), &[]);
    assert_opens(&cluster.url("plain:s%33cret", "plain"), &[]);
    let variable = [
        ("PGPASSWORD", "s3cret"),
        ("PGUSER", "scram"),
        ("PGDATABASE", "scram"),
    ];
    assert_opens(&format!("postgres://127.0.0.1:{}", cluster.port), &variable);
    let socket = format!(
        "host={} port={} user=scram dbname=scram",
        cluster.path(""),
        cluster.port
    );
    assert_opens(&socket, &[]);

    let home = tempfile::tempdir().unwrap();
    let home_text = home.path().to_str().unwrap();
    let file = home.path().join(".pgpass");
    let url = cluster.url("scram", "scram");
    let lines = format!(
        "127.0.0.1:1:*:*:no\n127.0.0.1:{}:scram:scram:s3cret\n",
        cluster.port
    );
    fs::write(&file, lines).unwrap();
    private(&file);
    assert_opens(&url, &[("HOME", home_text)]);
    fs::write(&file, "*:*:*:*:wr0ng\n").unwrap();
    let shown = file.display().to_string();
    assert_fails(&url, &[("HOME", home_text)], &["the line in", &shown]);
    open_to_all(&file);
    assert_fails(
        &url,
        &[("HOME", home_text)],
        &["was not used", "chmod 0600", &shown],
    );

    let services = home.path().join("services");
    let service = format!(
        "[ci]\nhost=127.0.0.1\nport={}\nuser=scram\ndbname=scram\npassword=s3cret\n",
        cluster.port
    );
    fs::write(&services, service).unwrap();
    let services = services.to_str().unwrap();
    assert_opens("", &[("PGSERVICE", "ci"), ("PGSERVICEFILE", services)]);
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}
