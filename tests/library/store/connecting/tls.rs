//! TLS: the modes of libpq, certificates of both sides, channel binding.

use std::{fs, path::Path, process::Command};

use super::{assert_fails, assert_opens};
use crate::{
    postgres_cluster::{Cluster, private},
    skip::missing,
};

/// For 127.0.0.1.
const CERTIFICATE: &[u8] = include_bytes!("../../../fixtures/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../../../fixtures/tls/leaf.key");
const AUTHORITY: &[u8] = include_bytes!("../../../fixtures/tls/ca.pem");
/// For localhost, and its own authority.
const SELF_SIGNED: &[u8] = include_bytes!("../../../fixtures/tls/self-signed.pem");
const SELF_SIGNED_KEY: &[u8] = include_bytes!("../../../fixtures/tls/self-signed.key");
const EXPIRED: &[u8] = include_bytes!("../../../fixtures/tls/self-signed-expired.pem");

const ACCESS: &str = "hostssl all only_tls 127.0.0.1/32 trust
hostnossl all never_tls 127.0.0.1/32 trust
hostssl all certified 127.0.0.1/32 cert
host all scram 127.0.0.1/32 scram-sha-256";

/// A server with a certificate; clients may show one of `clients`.
fn cluster(certificate: &[u8], key: &[u8], clients: &[u8]) -> Option<Cluster> {
    let cluster = Cluster::start("", ACCESS)?;
    cluster.write("server.crt", certificate);
    cluster.write("server.key", key);
    cluster.write("clients.crt", clients);
    for (name, file) in [
        ("ssl_cert_file", "server.crt"),
        ("ssl_key_file", "server.key"),
        ("ssl_ca_file", "clients.crt"),
    ] {
        let path = cluster.path(file);
        cluster.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{path}'"));
    }
    cluster.sql("postgres", "ALTER SYSTEM SET ssl = on");
    for user in ["only_tls", "never_tls", "certified", "scram"] {
        cluster.sql(
            "postgres",
            &format!("CREATE ROLE {user} LOGIN PASSWORD 's3cret' SUPERUSER"),
        );
    }
    cluster.stop();
    cluster.start_again();
    Some(cluster)
}

/// Files for clients, readable for the test.
struct Files(tempfile::TempDir);

impl Files {
    fn new(all: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in all {
            fs::write(folder.path().join(name), bytes).unwrap();
            private(&folder.path().join(name));
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

#[test]
fn modes_verify_what_libpq_verifies() {
    let Some(cluster) = cluster(CERTIFICATE, KEY, AUTHORITY) else {
        return;
    };
    let files = Files::new(&[("ca", AUTHORITY), ("other", SELF_SIGNED)]);
    let (ca, other) = (files.path("ca"), files.path("other"));
    let by_address = cluster.url("only_tls", "postgres");
    let by_name = by_address.replace("127.0.0.1", "localhost");
    for mode in ["prefer", "allow", "require"] {
        assert_opens(&by_address, &[("PGSSLMODE", mode)]);
    }
    for (url, mode) in [
        (&by_address, "verify-full"),
        (&by_name, "verify-ca"),
        (&by_name, "require"),
    ] {
        assert_opens(&format!("{url}?sslmode={mode}&sslrootcert={ca}"), &[]);
    }
    let full = [("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", &*ca)];
    assert_fails(
        &by_name,
        &full,
        &["certificate is not for the name \"localhost\"", "a name in"],
    );
    // The name is that of the certificate, the address that of the server.
    let named = [&full[..], &[("PGHOSTADDR", "127.0.0.1")]].concat();
    assert_fails(
        &by_name.replace("localhost", "db.example"),
        &named,
        &["\"db.example\""],
    );
    let bare = format!("user=only_tls dbname=postgres port={}", cluster.port);
    assert_opens(&bare, &named);
    for mode in ["verify-full", "verify-ca", "require"] {
        let untrusted = [("PGSSLMODE", mode), ("PGSSLROOTCERT", &*other)];
        let parts = ["an authority that is not trusted here", "sslrootcert"];
        assert_fails(&by_address, &untrusted, &parts);
    }
    let system = [("PGSSLROOTCERT", "system")];
    assert_fails(&by_address, &system, &["its certificate"]);

    assert_fails(
        &by_address,
        &[("PGSSLMODE", "disable")],
        &["without TLS", "sslmode"],
    );
    let never = cluster.url("never_tls", "postgres");
    assert_opens(&never, &[("PGSSLMODE", "prefer")]);
    assert_opens(&never, &[("PGSSLMODE", "allow")]);
    assert_fails(
        &never,
        &[("PGSSLMODE", "require")],
        &["pg_hba.conf does not let"],
    );

    let scram = cluster.url("scram:s3cret", "postgres");
    assert_opens(&scram, &[("PGCHANNELBINDING", "require")]);
    let parts = ["channel_binding requires it", "scram-sha-256"];
    assert_fails(
        &scram,
        &[("PGCHANNELBINDING", "require"), ("PGSSLMODE", "disable")],
        &parts,
    );
}

#[test]
fn server_without_tls_is_refused_if_tls_is_required() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let files = Files::new(&[("ca", AUTHORITY)]);
    let url = cluster.url("postgres", "postgres");
    let ca = files.path("ca");
    for mode in ["require", "verify-ca", "verify-full"] {
        let variables = [("PGSSLMODE", mode), ("PGSSLROOTCERT", &ca)];
        assert_fails(&url, &variables, &["does not offer TLS", "switch on `ssl`"]);
    }
    assert_opens(&url, &[("PGSSLMODE", "prefer")]);
}

#[test]
fn own_authority_is_trusted_once_it_is_named_and_not_after_its_end() {
    let Some(cluster) = cluster(SELF_SIGNED, SELF_SIGNED_KEY, AUTHORITY) else {
        return;
    };
    let files = Files::new(&[
        ("own", SELF_SIGNED),
        ("expired", EXPIRED),
        ("ca", AUTHORITY),
    ]);
    let url = cluster
        .url("only_tls", "postgres")
        .replace("127.0.0.1", "localhost");
    let full = |name: &str| format!("{url}?sslmode=verify-full&sslrootcert={}", files.path(name));
    assert_opens(&full("own"), &[]);
    assert_fails(&full("ca"), &[], &["its certificate", "sslrootcert"]);
    cluster.write("server.crt", EXPIRED);
    cluster.stop();
    cluster.start_again();
    assert_fails(&full("expired"), &[], &["has expired", "renew it"]);
}

#[test]
fn certificate_of_the_user_is_shown_to_the_server() {
    let files = Files::new(&[("other.key", KEY), ("other.crt", CERTIFICATE)]);
    let made = [("certified.crt", "certified.key")]
        .iter()
        .all(|(certificate, key)| {
            openssl(&[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=certified",
                "-keyout",
                &files.path(key),
                "-out",
                &files.path(certificate),
            ])
        });
    if !made {
        return;
    }
    let certificate = fs::read(files.path("certified.crt")).unwrap();
    let Some(cluster) = cluster(CERTIFICATE, KEY, &certificate) else {
        return;
    };
    private(Path::new(&files.path("certified.key")));
    let url = cluster.url("certified", "postgres?sslmode=require");
    let (own, key) = (files.path("certified.crt"), files.path("certified.key"));
    assert_opens(&url, &[("PGSSLCERT", &own), ("PGSSLKEY", &key)]);
    let parts = ["only with a certificate", "sslcert and sslkey"];
    assert_fails(&url, &[], &parts);
    let (other, other_key) = (files.path("other.crt"), files.path("other.key"));
    let parts = ["refuses the certificate that testplan shows", "sslcert"];
    assert_fails(
        &url,
        &[("PGSSLCERT", &other), ("PGSSLKEY", &other_key)],
        &parts,
    );
    // The certificate names another user.
    let url = cluster.url("only_tls", "postgres?sslmode=require");
    assert_opens(&url, &[("PGSSLCERT", &own), ("PGSSLKEY", &key)]);
}

#[test]
fn certificate_of_version_1_is_named_as_such() {
    let files = Files::new(&[]);
    let path = |name: &str| files.path(name);
    let made = openssl(&[
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        &path("key"),
        "-out",
        &path("request"),
    ]) && openssl(&[
        "x509",
        "-req",
        "-in",
        &path("request"),
        "-days",
        "2",
        "-signkey",
        &path("key"),
        "-out",
        &path("crt"),
    ]);
    if !made {
        return;
    }
    let read = |name: &str| fs::read(path(name)).unwrap();
    let Some(cluster) = cluster(&read("crt"), &read("key"), AUTHORITY) else {
        return;
    };
    let url = cluster.url("only_tls", "postgres?sslmode=require");
    assert_fails(&url, &[], &["X.509 version 1", "subjectAltName"]);
}

fn openssl(arguments: &[&str]) -> bool {
    let Ok(output) = Command::new("openssl").args(arguments).output() else {
        missing("there is no openssl");
        return false;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    true
}
