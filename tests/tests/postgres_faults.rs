//! What happens to requests when the database is slow, full, locked, cut off, or gone: the status they get, and that service goes on
//! by itself afterwards with nothing left over from the ones that failed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use plinth_tests::{Postgres, Project, Response, Server};

/// A database that Plinth has never seen, with a role that may do nothing but become others.
const DATABASE: &str = "
    do $$ begin
        create role anon nologin;
        create role clerk nologin;
        create role authenticator login noinherit;
        grant anon, clerk to authenticator;
    exception when duplicate_object then null; end $$;
    create table item (id int primary key, name text);
    insert into item values (1, 'one'), (2, 'two');
    grant select, insert on item to anon;
    create function nap(seconds float8) returns void language plpgsql volatile as $$ begin perform pg_sleep(seconds); end $$;
    create function who() returns json language sql stable as
        $$ select json_build_object('role', current_user, 'session', session_user, 'claims', nullif(current_setting('request.jwt.claims', true), ''),
            'kept', nullif(current_setting('app.kept', true), ''), 'path', current_setting('search_path')) $$;
    create function keep(value text) returns void language plpgsql volatile as
        $$ begin perform set_config('app.kept', value, false); set role clerk; end $$;
    create function fail(value text) returns void language plpgsql volatile as
        $$ begin perform set_config('app.kept', value, false); raise exception 'no' using errcode = 'P0001'; end $$;
";

fn serve(postgres: &Postgres, settings: &[(&str, &str)]) -> (Server, String) {
    let database = postgres.database();
    postgres.run(&database, DATABASE);
    let project = Project::with_files(&[("plinth.toml", "")]).on_postgres(postgres, &database);
    (Server::start(project, "serve", settings), database)
}

fn nap(server: &Server, seconds: f64) -> std::thread::JoinHandle<Response> {
    let (address, body) = (server.address.clone(), format!("{{\"seconds\": {seconds}}}"));
    std::thread::spawn(move || {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        plinth_tests::send(&address, "POST", "/rest/v1/rpc/nap", &headers, Some(body.as_bytes()))
            .expect("an answer")
    })
}

/// Waits until a condition holds.
fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Requests of the server that the database works on.
fn active(postgres: &Postgres, database: &str) -> String {
    postgres.run(
        database,
        "select count(*) from pg_stat_activity where datname = current_database() and usename = 'authenticator' and state <> 'idle'",
    )
}

fn works(server: &Server) {
    let response = server.get("/rest/v1/item?select=id&order=id");
    assert_eq!((response.status, response.text()), (200, "[{\"id\":1},{\"id\":2}]".to_owned()));
}

#[test]
fn a_slow_statement_is_ended() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, database) = serve(postgres, &[("PLINTH_DATABASE_STATEMENT_TIMEOUT_MS", "300")]);
    let started = Instant::now();
    let response = nap(&server, 30.0).join().expect("no panic");
    assert_eq!((response.status, response.json()["code"].as_str()), (500, Some("57014")));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(active(postgres, &database), "0");
    works(&server);
}

#[test]
fn a_lock_that_another_holds_is_waited_for_no_longer_than_a_statement_may_take() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, database) = serve(postgres, &[("PLINTH_DATABASE_STATEMENT_TIMEOUT_MS", "300")]);
    std::thread::scope(|scope| {
        let holder =
            scope.spawn(|| postgres.run(&database, "begin; lock table item; select pg_sleep(2); commit"));
        until("the table is locked", Duration::from_secs(2), || {
            postgres.run(&database, "select count(*) from pg_locks where relation = 'item'::regclass and mode = 'AccessExclusiveLock'") != "0"
        });
        let response = server.get("/rest/v1/item");
        assert_eq!((response.status, response.json()["code"].as_str()), (500, Some("57014")));
        holder.join().expect("no panic");
    });
    works(&server);
}

#[test]
fn a_pool_that_is_used_up_is_waited_for_no_longer_than_configured() {
    let Some(postgres) = Postgres::shared() else { return };
    let settings = [("PLINTH_DATABASE_POOL", "2"), ("PLINTH_DATABASE_POOL_WAIT_MS", "200")];
    let (server, database) = serve(postgres, &settings);
    let naps = [nap(&server, 1.5), nap(&server, 1.5)];
    until("both connections are in use", Duration::from_secs(1), || active(postgres, &database) == "2");
    let response = server.get("/rest/v1/item");
    assert_eq!((response.status, response.json()["code"].as_str()), (504, Some("PGRST003")));
    for nap in naps {
        assert_eq!(nap.join().expect("no panic").status, 204);
    }
    works(&server);
}

#[test]
fn a_queue_that_is_full_is_refused_at_once() {
    let Some(postgres) = Postgres::shared() else { return };
    let settings = [("PLINTH_DATABASE_POOL", "1"), ("PLINTH_DATABASE_MAX_WAITING", "0")];
    let (server, database) = serve(postgres, &settings);
    let nap = nap(&server, 1.0);
    until("the connection is in use", Duration::from_secs(1), || active(postgres, &database) == "1");
    let response = server.get("/rest/v1/item");
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    assert_eq!(nap.join().expect("no panic").status, 204);
    works(&server);
}

#[test]
fn a_request_that_nobody_waits_for_is_cancelled() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, database) = serve(postgres, &[("PLINTH_DATABASE_POOL", "2")]);
    for _ in 0..6 {
        let mut socket = TcpStream::connect(&server.address).expect("a connection");
        let body = "{\"seconds\": 30}";
        write!(
            socket,
            "POST /rest/v1/rpc/nap HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it can be sent");
        until("the database works on it", Duration::from_secs(5), || active(postgres, &database) == "1");
        socket.shutdown(Shutdown::Both).expect("it can be closed");
        until("the database has stopped", Duration::from_secs(5), || active(postgres, &database) == "0");
    }
    // No connection has leaked: both serve.
    for nap in [nap(&server, 0.3), nap(&server, 0.3)] {
        assert_eq!(nap.join().expect("no panic").status, 204);
    }
    works(&server);
}

#[test]
fn no_role_and_no_setting_survives_its_request() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, _) = serve(postgres, &[("PLINTH_DATABASE_POOL", "1")]);
    let clerk =
        server.sign(serde_json::json!({"role": "clerk", "secret": "s"}).as_object().expect("an object"));
    let clerk = format!("Bearer {clerk}");
    let json = ("Content-Type", "application/json");
    // One connection: what a request leaves is what the next one meets.
    let mut seed = 7u32;
    for round in 0..60 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let headers: &[(&str, &str)] =
            if seed & 1 == 0 { &[json] } else { &[json, ("Authorization", &clerk)] };
        let body = format!("{{\"value\": \"kept{round}\"}}");
        let (path, expected) = match (seed >> 8) % 4 {
            0 => ("keep", 204),
            1 => ("fail", 400),
            2 => ("who", 200),
            _ => ("nap", 204),
        };
        let body = match path {
            "who" => "{}".to_owned(),
            "nap" => "{\"seconds\": 0}".to_owned(),
            _ => body,
        };
        let response = server.send("POST", &format!("/rest/v1/rpc/{path}"), headers, Some(&body));
        assert_eq!(response.status, expected, "{path}: {}", response.text());
        let who = server.get("/rest/v1/rpc/who").json();
        assert_eq!(who["role"], "anon", "after {path}");
        assert_eq!(who["session"], "authenticator", "after {path}");
        assert_eq!(who["kept"], serde_json::Value::Null, "after {path}");
        assert_eq!(who["path"], "\"public\", \"public\"", "after {path}");
        let claims = who["claims"].as_str().unwrap_or_default();
        assert!(!claims.contains("secret"), "after {path}: {claims}");
    }
}

#[test]
fn a_database_that_goes_away_comes_back() {
    let Some(postgres) = Postgres::durable() else { return };
    let (server, database) = serve(&postgres, &[]);
    let (stop, server) = (Arc::new(AtomicBool::new(false)), Arc::new(server));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (stop, server) = (Arc::clone(&stop), Arc::clone(&server));
            std::thread::spawn(move || {
                let mut acknowledged = Vec::new();
                // Far enough apart for as many as a fast machine writes.
                let mut id = 1_000_000 * (writer + 1);
                while !stop.load(Ordering::Relaxed) {
                    id += 1;
                    let body = format!("{{\"id\": {id}, \"name\": \"x\"}}");
                    let json = [("Content-Type", "application/json")];
                    let response = server.send("POST", "/rest/v1/item", &json, Some(&body));
                    match response.status {
                        201 => acknowledged.push(id),
                        503 => {
                            assert_eq!(response.header("retry-after"), Some("1"));
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        other => panic!("{other}: {}", response.text()),
                    }
                }
                acknowledged
            })
        })
        .collect();
    for fast in [true, false] {
        std::thread::sleep(Duration::from_millis(500));
        if fast {
            postgres.kill();
        } else {
            postgres.stop();
        }
        until("readiness tells it", Duration::from_secs(2), || server.get("/health/ready").status == 503);
        let response = server.get("/rest/v1/item?limit=1");
        assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
        std::thread::sleep(Duration::from_millis(300));
        postgres.resume();
        until("service goes on", Duration::from_secs(1), || {
            server.get("/rest/v1/item?limit=1").status == 200
        });
        assert_eq!(server.get("/health/ready").status, 200);
    }
    std::thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = 0;
    for writer in writers {
        for id in writer.join().expect("no panic") {
            acknowledged += 1;
            assert_eq!(
                postgres.run(&database, &format!("select count(*) from item where id = {id}")),
                "1",
                "{id}"
            );
        }
    }
    assert!(acknowledged > 20, "only {acknowledged} writes were acknowledged");
}

#[test]
fn a_changed_schema_is_served_without_a_restart() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, database) = serve(postgres, &[]);
    works(&server);
    assert_eq!(server.get("/rest/v1/later").status, 404);
    for channel in ["pgrst", "plinth"] {
        postgres.run(
            &database,
            "drop table if exists later; create table later (id int); grant select on later to anon",
        );
        postgres.run(&database, &format!("notify {channel}, 'reload schema'"));
        until("the new table is there", Duration::from_secs(5), || {
            server.get("/rest/v1/later").status == 200
        });
        postgres.run(&database, &format!("drop table later; notify {channel}, 'reload schema'"));
        until("it is gone", Duration::from_secs(5), || server.get("/rest/v1/later").status == 404);
    }
    // A prepared statement over a column that changed its type is prepared again.
    works(&server);
    postgres.run(&database, "alter table item alter id type bigint; notify pgrst");
    until("the new type is served", Duration::from_secs(5), || {
        server.get("/rest/v1/item?id=eq.1").status == 200
    });
    works(&server);
}

/// A connection to the database that can stall and break.
struct Proxy {
    port: u16,
    mode: Arc<AtomicU8>,
}

const PASS: u8 = 0;
const STALL: u8 = 1;
const RESET: u8 = 2;
const DELAY: u8 = 3;

impl Proxy {
    fn before(postgres: &Postgres) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mode = Arc::new(AtomicU8::new(PASS));
        let (shared, target) = (Arc::clone(&mode), postgres.port());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let mode = Arc::clone(&shared);
                    std::thread::spawn(move || pass(from, to, &mode));
                }
            }
        });
        Proxy { port, mode }
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8) {
    let _ = from.set_read_timeout(Some(Duration::from_millis(20)));
    let mut buffer = [0; 4096];
    loop {
        if mode.load(Ordering::Relaxed) == RESET {
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            return;
        }
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                continue;
            }
            Err(_) => break,
        };
        while mode.load(Ordering::Relaxed) == STALL {
            std::thread::sleep(Duration::from_millis(5));
        }
        if mode.load(Ordering::Relaxed) == DELAY {
            std::thread::sleep(Duration::from_millis(50));
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_network_that_stalls_breaks_and_delays() {
    let Some(postgres) = Postgres::shared() else { return };
    let database = postgres.database();
    postgres.run(&database, DATABASE);
    let proxy = Proxy::before(postgres);
    let project = Project::with_files(&[("plinth.toml", "")]);
    let url = format!("postgres://authenticator@127.0.0.1:{}/{database}", proxy.port);
    let settings = [
        ("PLINTH_DATABASE_URL", url.as_str()),
        ("PLINTH_DATABASE_STATEMENT_TIMEOUT_MS", "300"),
        ("PLINTH_DATABASE_NETWORK_GRACE_MS", "300"),
        ("PLINTH_DATABASE_CONNECT_TIMEOUT_MS", "500"),
    ];
    let server = Server::start(project, "serve", &settings);
    works(&server);
    for _ in 0..2 {
        // Each way takes 50 ms: on a connection that is open, a request is there and back once.
        proxy.set(DELAY);
        let started = Instant::now();
        works(&server);
        let taken = started.elapsed();
        assert!(taken >= Duration::from_millis(100) && taken < Duration::from_millis(200), "{taken:?}");
        proxy.set(STALL);
        let started = Instant::now();
        let response = server.get("/rest/v1/item");
        assert_eq!(
            (response.status, response.header("retry-after")),
            (503, Some("1")),
            "{}",
            response.text()
        );
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        proxy.set(PASS);
        until("service goes on", Duration::from_secs(1), || server.get("/rest/v1/item").status == 200);
        proxy.set(RESET);
        let response = server.get("/rest/v1/item");
        assert_eq!(
            (response.status, response.header("retry-after")),
            (503, Some("1")),
            "{}",
            response.text()
        );
        proxy.set(PASS);
        until("service goes on", Duration::from_secs(1), || server.get("/rest/v1/item").status == 200);
        works(&server);
    }
}
