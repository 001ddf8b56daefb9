"""Load and what it cost: wrk against one server, with an eye on the rest of the machine."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from servers import TICKS

HERE = Path(__file__).resolve().parent


def find_wrk():
    """wrk's path; installed from Debian's packages where that is possible."""
    if not shutil.which("wrk") and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk"], check=False, stdout=sys.stderr)
    found = shutil.which("wrk")
    if not found:
        raise SystemExit("wrk is needed for load: sudo apt-get install wrk (or brew install wrk), then again")
    return found


def busy_seconds():
    """What all processors of the machine have computed so far, waiting for disks left out."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def own_seconds():
    """What this process and the children it has waited for have computed."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Beside:
    """What happens beside the load: idle connections, or a slow request again and again."""

    def __init__(self, server, scenario):
        self.idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(scenario.idle)]
        self.ended, self.thread, self.slow = False, None, []
        if scenario.beside:
            self.thread = threading.Thread(target=self.repeat, args=(server, scenario.beside))
            self.thread.start()

    def repeat(self, server, call):
        while not self.ended:
            began = time.monotonic()
            status, _, _ = server.ask(call.method, server.path(call), call.body, server.headers(call))
            if status != 200:
                raise SystemExit(f"{server.name}: {server.path(call)} was answered with {status}")
            self.slow.append(time.monotonic() - began)

    def end(self):
        self.ended = True
        if self.thread:
            self.thread.join()
        for connection in self.idle:
            connection.close()


def run(wrk, server, scenario, seconds, cores):
    """One measurement: what wrk saw, what the server computed, and what others computed meanwhile."""
    kinds = []
    for call in scenario.calls:
        headers = "\n".join(f"{name}: {value}" for name, value in server.headers(call).items())
        kinds += [str(call.weight), call.method, server.path(call), call.body or "-", headers or "-"]
    threads = min(len(cores), scenario.connections)
    command = [wrk, f"-t{threads}", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "60s",
               "-s", HERE / "load.lua", f"http://127.0.0.1:{server.port}", "--", *kinds]

    def once():
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        return json.loads(done.stdout.strip().splitlines()[-1])

    beside = Beside(server, scenario)
    # The first second is not measured: connections, caches, statements.
    warm = [part if part != f"-d{seconds}s" else "-d1s" for part in command]
    subprocess.run(warm, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    before = server.cpu_seconds(), own_seconds(), busy_seconds(), time.monotonic()
    seen = once()
    after = server.cpu_seconds(), own_seconds(), busy_seconds(), time.monotonic()
    beside.end()
    cpu, own, busy, wall = (b - a for a, b in zip(before, after))
    resident, peak = server.memory_mb()
    if seen["errors"] or not seen["requests"]:
        raise SystemExit(f"{server.name}, {scenario.name}: {seen['errors']} of {seen['requests']} requests failed")
    return {
        "requests_per_second": seen["requests"] / (seen["micros"] / 1e6),
        "p50_ms": seen["p50"] / 1000,
        "p99_ms": seen["p99"] / 1000,
        "cpu_micros": cpu / seen["requests"] * 1e6,
        "resident_mb": resident,
        "peak_mb": peak,
        # Of one processor: 0.5 is half of one.
        "others": max(0.0, (busy - cpu - own) / wall),
    }
