//! A private PostgreSQL: a cluster in a temporary folder, on a port of its own, from Debian's package or `POSTGRES_BIN`. It ends
//! with the test process, whichever way that ends.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::server::free_port;

/// The superuser, who needs no password.
pub const SUPERUSER: &str = "postgres";

/// Settings of a cluster whose data need not survive anything.
const FAST: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"];

/// A running PostgreSQL, stopped when dropped.
pub struct Postgres {
    folder: tempfile::TempDir,
    bin: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    settings: Vec<String>,
    child: Mutex<Option<Child>>,
}

/// The folder of PostgreSQL's programs; the error says what to install.
pub fn binaries() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("POSTGRES_BIN") {
        return Ok(PathBuf::from(folder));
    }
    let version = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("bin/initdb").exists())
        .collect();
    installed.sort_by_key(|path| version(path));
    installed.pop().map(|path| path.join("bin")).ok_or_else(|| {
        "PostgreSQL is not installed: run tests/prepare as root, or sudo apt-get install postgresql, or set POSTGRES_BIN to the folder of its programs".to_owned()
    })
}

impl Postgres {
    /// The cluster of this test process, started when first asked for. `None`, with the reason on standard error, where PostgreSQL
    /// is not installed: then the test that asks has nothing to run on.
    pub fn shared() -> Option<&'static Postgres> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED
            .get_or_init(|| match binaries() {
                Ok(bin) => Some(Postgres::start(bin, FAST)),
                Err(reason) => {
                    eprintln!("SKIPPED: {reason}");
                    None
                }
            })
            .as_ref()
    }

    /// A cluster of the caller's own, for tests that stop and kill it.
    pub fn own() -> Option<Postgres> {
        match binaries() {
            Ok(bin) => Some(Postgres::start(bin, FAST)),
            Err(reason) => {
                eprintln!("SKIPPED: {reason}");
                None
            }
        }
    }

    /// A cluster that keeps what it acknowledged, for tests of durability.
    pub fn durable() -> Option<Postgres> {
        binaries().ok().map(|bin| Postgres::start(bin, &[]))
    }

    /// A new cluster with these settings, running.
    pub fn start(bin: PathBuf, settings: &[&str]) -> Postgres {
        let folder = tempfile::Builder::new().prefix("plinth-pg").tempdir().expect("a temporary folder");
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).expect("the folder can be given");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("the folder is ours");
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let postgres = Postgres { folder, bin, user, port: free_port(), settings, child: Mutex::new(None) };
        let made = postgres
            .command("initdb")
            .args(["--username", SUPERUSER, "--auth", "trust", "--locale", "C.UTF-8", "--encoding", "UTF8"])
            .args(["--no-sync", "--no-instructions", "--pgdata"])
            .arg(postgres.data())
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        postgres.resume();
        postgres
    }

    /// Starts the server again after [`Postgres::stop`] or [`Postgres::kill`], and waits until it answers.
    pub fn resume(&self) {
        // The shell passes signals on from its standard input. When that closes without a word, the test process is gone, and so go
        // the server and its folder.
        let script = r#"
            exec 3<&0
            "$@" 3<&- & pid=$!
            (while read -r signal <&3; do
                [ "$signal" = KEEP ] && exit
                kill -"$signal" $pid
            done
            kill -QUIT $pid
            while kill -0 $pid; do sleep 0.05; done
            rm -rf "$PWD") 2>/dev/null & reader=$!
            wait $pid $reader
        "#;
        let mut command = self.wrapped("sh");
        command.args(["-c", script, "postgres"]).arg(self.bin.join("postgres"));
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "timezone=UTC", "-c", "max_connections=120"]);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.folder.path().display()));
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log");
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("PostgreSQL starts");
        *self.child.lock().expect("no test panics while it holds this") = Some(child);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let asked = self.psql("postgres", "select 1");
            if asked.status.success() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "PostgreSQL does not answer after a minute: {}{}",
                String::from_utf8_lossy(&asked.stderr),
                fs::read_to_string(self.log_path()).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the server to end: `INT` lets no one finish, `TERM` waits for the clients.
    pub fn stop(&self) {
        self.signal("INT");
        self.wait();
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(&self) {
        self.signal("QUIT");
        self.wait();
    }

    fn signal(&self, signal: &str) {
        let mut child = self.child.lock().expect("no test panics while it holds this");
        if let Some(input) = child.as_mut().and_then(|child| child.stdin.as_mut()) {
            let _ = writeln!(input, "{signal}");
        }
    }

    fn wait(&self) {
        let mut child = self.child.lock().expect("no test panics while it holds this");
        if let Some(mut child) = child.take() {
            // The pipe stays open until the server has ended by the signal.
            while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
            if let Some(mut input) = child.stdin.take() {
                let _ = writeln!(input, "KEEP");
            }
            let _ = child.wait();
        }
    }

    /// The folder that it lives in, which belongs to the user it runs as.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database for a user, without a password.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database; each call gives another.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("create database {name} template template0"));
        name
    }

    /// A new database that holds what another one holds; nobody may be connected to that one.
    pub fn copy_of(&self, template: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("copy{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("create database {name} template {template}"));
        name
    }

    /// Runs SQL that must succeed, and gives its rows: fields separated by `|`, without a header.
    pub fn run(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs SQL as the superuser, in one transaction per statement.
    pub fn psql(&self, database: &str, sql: &str) -> Output {
        let mut child = Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1"])
            .args(["--dbname", &self.url(SUPERUSER, database), "--file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut input = child.stdin.take().expect("its input is piped");
        let text = sql.to_owned();
        let writer = std::thread::spawn(move || {
            // psql may end before it has read everything.
            let _ = input.write_all(text.as_bytes());
        });
        let output = child.wait_with_output().expect("psql ends");
        let _ = writer.join();
        output
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        self.wrapped(&self.bin.join(program).to_string_lossy())
    }

    /// A program run as the user of the cluster.
    fn wrapped(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// PostgreSQL refuses to run as root: then it runs as the package's user, or as nobody.
fn unprivileged() -> Option<(u32, u32)> {
    let id = |args: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(args).output().ok().filter(|output| output.status.success())?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    if id(&["-u"])? != 0 {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|user| Some((id(&["-u", user])?, id(&["-g", user])?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_cluster() {
        let Some(postgres) = Postgres::own() else { return };
        let database = postgres.database();
        postgres.run(&database, "create table t (a int); insert into t values (1), (2)");
        assert_eq!(postgres.run(&database, "select sum(a), count(*) from t"), "3|2");
        let refused = postgres.psql(&database, "select b from t");
        assert!(!refused.status.success());
        postgres.stop();
        assert!(!postgres.psql(&database, "select 1").status.success());
        postgres.resume();
        assert_eq!(postgres.run(&database, "select count(*) from t"), "2");
        postgres.kill();
        assert!(TcpStream::connect(("127.0.0.1", postgres.port())).is_err());
        postgres.resume();
        assert_ne!(postgres.database(), database);
    }

    #[test]
    fn one_for_the_process() {
        let Some(postgres) = Postgres::shared() else { return };
        assert_eq!(postgres.run("postgres", "show server_encoding"), "UTF8");
        assert!(std::ptr::eq(postgres, Postgres::shared().unwrap()));
    }
}
