"""The servers that are compared: how each is built, started, asked, watched and stopped. Reads /proc: Linux alone."""

import atexit
import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from data import SECRET, USER

TICKS = os.sysconf("SC_CLK_TCK")


def token():
    """The token of the signed-in user."""
    def part(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=")
    claims = {"role": "authenticated", "sub": USER, "exp": int(time.time()) + 86_400}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())).decode()


TOKEN = token()


class Server:
    """One of the servers, with a database file of its own."""

    def __init__(self, name, binary: Path, project: Path, work: Path, port: int, cores):
        self.name, self.binary, self.port, self.cores = name, binary, port, cores
        self.folder = work / name
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(project, self.folder, ignore=shutil.ignore_patterns("seed", "*-wal", "*-shm", "*-lock"))
        self.process, self.start_ms = None, 0.0
        atexit.register(self.stop)

    def start(self):
        address = f"127.0.0.1:{self.port}"
        if self.name == "plinth":
            command = [self.binary, "serve", "--project", self.folder, "--listen", address]
        else:
            command = [self.binary, self.folder / "data/bench.db", address, SECRET]
        cores = self.cores
        began = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        path = "/health/live" if self.name == "plinth" else "/constant"
        while True:
            try:
                self.ask("GET", path)
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - began > 20:
                    raise SystemExit(f"{self.name} did not start: see {self.folder / 'log'}") from None
                time.sleep(0.002)
        self.start_ms = (time.monotonic() - began) * 1000
        time.sleep(0.02)
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name}: something else listens at {address}")

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def path(self, call):
        return call.plinth if self.name == "plinth" else call.rival

    def headers(self, call):
        headers = dict(call.headers)
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.signed_in:
            headers["Authorization"] = f"Bearer {TOKEN}"
        return headers

    def ask(self, method, path, body=None, headers=None, timeout=120):
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer

    def cpu_seconds(self):
        """What the process has computed so far, the kernel's part for it included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self):
        """Resident now, and at most so far."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(int(status[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))


def build(root: Path, target: Path, names, profile="release", only_name=False):
    """Builds what is asked for, unless it is only to be named; gives the binaries by name."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(target))
    commands = {
        "plinth": ["cargo", "build", "--package", "plinth"],
        "floor": ["cargo", "build", "--package", "bench-floor"],
        "typical": ["cargo", "build", "--manifest-path", "bench/typical/Cargo.toml"],
    }
    files = {"plinth": "plinth", "floor": "bench-floor", "typical": "bench-typical"}
    for name in [] if only_name else names:
        subprocess.run([*commands[name], "--quiet", "--profile", profile], cwd=root, env=environment, check=True)
    return {name: target / profile / files[name] for name in names}
