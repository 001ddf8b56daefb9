//! The connection to PostgreSQL under TLS: libpq's `sslmode`, with certificates made for the test.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use plinth_tests::postgres::{Postgres, binaries};
use plinth_tests::{Project, Server};

/// A key and a certificate for `localhost`, signed by an authority of the test's own; and another authority.
fn certificates(folder: &Path) {
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(folder).output().expect("openssl starts");
        assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for authority in ["ca", "other"] {
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            &format!("{authority}.key"),
            "-out",
            &format!("{authority}.pem"),
        ]);
    }
    openssl(&[
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ]);
    std::fs::write(folder.join("san"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "san",
        "-out",
        "server.pem",
    ]);
}

/// PostgreSQL wants the key to be its own.
fn own_key(folder: &Path, owner: (u32, u32)) {
    let key = folder.join("server.key");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("the key is ours");
    std::os::unix::fs::chown(&key, Some(owner.0), Some(owner.1)).expect("the key can be given");
}

#[test]
fn tls_as_the_url_says() {
    let Ok(bin) = binaries() else { return };
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: openssl is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    certificates(folder.path());
    // The owner of the server's data is whom it runs as.
    let probe = Postgres::start(bin.clone(), &[]);
    let data = std::fs::metadata(probe.folder()).expect("its folder");
    own_key(folder.path(), (data.uid(), data.gid()));
    drop(probe);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", path("server.pem")),
        format!("ssl_key_file={}", path("server.key")),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let postgres = Postgres::start(bin, &settings);
    let database = postgres.database();
    postgres.run(
        &database,
        "create role anon; create role authenticator login noinherit; grant anon to authenticator;
         create table item (id int primary key); insert into item values (1); grant select on item to anon",
    );
    let url = |host: &str, rest: &str| {
        format!("postgres://authenticator@{host}:{}/{database}?{rest}", postgres.port())
    };
    let encrypted = "select bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid) where a.usename = 'authenticator'";
    for (rest, is_encrypted) in [
        ("sslmode=disable".to_owned(), "f"),
        ("sslmode=prefer".to_owned(), "t"),
        ("sslmode=require".to_owned(), "t"),
        (format!("sslmode=verify-full&sslrootcert={}", path("ca.pem")), "t"),
    ] {
        let project = Project::with_files(&[("plinth.toml", "")]);
        let server = Server::start(project, "serve", &[("PLINTH_DATABASE_URL", &url("localhost", &rest))]);
        assert_eq!(server.get("/rest/v1/item").text(), "[{\"id\":1}]", "{rest}");
        assert_eq!(postgres.run(&database, encrypted), is_encrypted, "{rest}");
    }
    // A certificate of another authority, or for another host, is no one's.
    for (host, rest) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={}", path("other.pem"))),
        ("localhost", format!("sslmode=require&sslrootcert={}", path("other.pem"))),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={}", path("ca.pem"))),
    ] {
        let project = Project::with_files(&[("plinth.toml", ""), ("schema/a.sql", "select 1;")]);
        let output = project.run_with(&["db", "check"], &[("PLINTH_DATABASE_URL", &url(host, &rest))]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("cannot be connected to"), "{rest}: {said}");
        assert!(said.contains("certificate"), "{rest}: {said}");
    }
}
