//! A project in a temporary folder, and the binary serving it.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::http::{Response, send};
use crate::postgres::{Postgres, SUPERUSER};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository's root")
}

/// The binary that `tests/prepare` built.
pub fn binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let path = target.join("debug/plinth");
    assert!(path.exists(), "{} is missing: run tests/prepare (make test does)", path.display());
    path
}

/// Runs the binary to its end.
pub fn plinth(args: &[&str]) -> Output {
    Command::new(binary()).args(args).output().expect("plinth starts")
}

/// A project in a folder that goes with it.
pub struct Project {
    folder: tempfile::TempDir,
    /// What the binary is told beside its arguments
    environment: Vec<(String, String)>,
}

impl Project {
    /// A copy of a project's files, without its database and keys.
    pub fn copy_of(source: &Path) -> Project {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(source, folder.path()).expect("the project can be copied");
        Project { folder, environment: Vec::new() }
    }

    /// An empty project with the given files.
    pub fn with_files(files: &[(&str, &str)]) -> Project {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let project = Project { folder, environment: Vec::new() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// The same on a PostgreSQL database: served by a role without rights of its own, changed by the superuser.
    pub fn on_postgres(mut self, postgres: &Postgres, database: &str) -> Project {
        self.environment = vec![
            ("PLINTH_DATABASE_URL".into(), postgres.url("authenticator", database)),
            ("PLINTH_DATABASE_ADMIN_URL".into(), postgres.url(SUPERUSER, database)),
        ];
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// Runs a command of the binary on this project.
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    /// The same with an environment.
    pub fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(binary())
            .args(args)
            .arg("--project")
            .arg(self.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(environment.iter().copied())
            .output()
            .expect("plinth starts")
    }

    /// Runs a command that must succeed, and gives what it prints.
    pub fn run_ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "plinth {}: {}{}",
            args.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Creates and seeds the database, for copies to be served from.
    pub fn seeded(self) -> Project {
        self.run_ok(&["db", "apply"]);
        if self.path().join("seed").is_dir() {
            self.run_ok(&["db", "seed"]);
        }
        self
    }
}

/// Copies a project; of `data`, only when it is a prepared one.
fn copy(source: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let name = entry.file_name();
        let to = target.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
    pub project: Project,
    secret: String,
    pub anon_key: String,
    pub service_key: String,
}

impl Server {
    /// Serves the project and waits until it is ready.
    pub fn start(project: Project, command: &str, environment: &[(&str, &str)]) -> Server {
        let keys: Value = serde_json::from_str(&project.run_ok(&["keys", "--json"])).expect("keys are JSON");
        let text = |name: &str| keys[name].as_str().unwrap_or_default().to_owned();
        let (child, address) = spawn(&project, command, environment);
        let mut server = Server {
            child,
            address,
            secret: text("jwt_secret"),
            anon_key: text("anon_key"),
            service_key: text("service_role_key"),
            project,
        };
        server.wait_until_ready();
        server
    }

    /// Starts the binary again on the same project, after it ended.
    pub fn restart(&mut self, command: &str, environment: &[(&str, &str)]) {
        let (child, address) = spawn(&self.project, command, environment);
        self.child = child;
        self.address = address;
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(response) = send(&self.address, "GET", "/health/ready", &[], None)
                && response.status == 200
            {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("plinth ended with {status} instead of serving; its log: {}", self.log());
            }
            assert!(Instant::now() < deadline, "plinth is not ready after a minute; its log: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the server wrote to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(self.project.path().join("server.log")).unwrap_or_default()
    }

    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        send(&self.address, method, target, &headers, body.map(str::as_bytes))
            .unwrap_or_else(|error| panic!("{method} {target}: {error}; log: {}", self.log()))
    }

    pub fn get(&self, target: &str) -> Response {
        self.send("GET", target, &[], None)
    }

    /// A token with these claims, signed with the project's secret.
    pub fn token(&self, claims: &Map<String, Value>) -> String {
        let mut args = vec!["token".to_owned(), "--role".to_owned()];
        args.push(claims.get("role").and_then(Value::as_str).unwrap_or("anon").to_owned());
        for (name, value) in claims.iter().filter(|(name, _)| *name != "role") {
            args.push("--claim".to_owned());
            args.push(format!("{name}={value}"));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.project.run_ok(&args).trim().to_owned()
    }

    /// A token with exactly these claims, nothing added.
    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        let key = jsonwebtoken::EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&header, claims, &key).expect("claims can be signed")
    }

    /// `sqlite` or `postgres`
    pub fn engine(&self) -> &'static str {
        if self.project.environment.is_empty() { "sqlite" } else { "postgres" }
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the server to stop and gives its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        self.child.wait().ok().and_then(|status| status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(project: &Project, command: &str, environment: &[(&str, &str)]) -> (Child, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(project.path().join("server.log"))
        .expect("the log can be written");
    let child = Command::new(binary())
        .arg(command)
        .arg("--project")
        .arg(project.path())
        .args(["--listen", &address])
        .envs(project.environment.iter().map(|(name, value)| (name, value)))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("plinth starts");
    (child, address)
}

/// A port nobody listens on. Each test process tries its own range, so that tests at the same time do not meet.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + ((std::process::id().wrapping_mul(97).wrapping_add(step * 7)) % 12_000);
        let port = u16::try_from(port).unwrap_or(20_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
