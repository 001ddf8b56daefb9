#!/usr/bin/env python3
"""Measures what a request costs Plinth, beside the same endpoints written by hand.

    make bench                                  everything
    bench/bench.py --only by_key,page           some scenarios
    bench/bench.py --compare target/bench/old.json
    bench/bench.py --profile by_key             a flame graph instead of figures

Servers take turns within each scenario (A B C A B C …), each freshly started, on half of the processors; the load comes from the
other half. A run during which something else used the machine is thrown away and made again.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path

import data
import flame
import load
import report
from scenarios import SCENARIOS, filled
from servers import Server, build

ROOT = Path(__file__).resolve().parent.parent
OTHERS_ALLOWED = 0.25
ATTEMPTS = 4


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="scenarios, separated by commas; all by default")
    parser.add_argument("--servers", default="floor,plinth,typical", help="of floor, plinth and typical")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each server in each scenario")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--no-build", action="store_true", help="measure what was built before")
    parser.add_argument("--keep-busy", action="store_true", help="keep runs during which something else used the machine")
    parser.add_argument("--json", type=Path, help="where the figures go (default: target/bench/results.json)")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="also say what changed since those figures")
    parser.add_argument("--profile", metavar="SCENARIO", help="make a flame graph of Plinth in this scenario")
    parser.add_argument("--target", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")), help="cargo's folder")
    return parser.parse_args()


def halves():
    """The processors for the server, and those for the load."""
    cores = sorted(os.sched_getaffinity(0))
    half = max(1, len(cores) // 2)
    return set(cores[:half]), set(cores[half:] or cores)


def check(servers, scenario):
    """Makes sure that all servers give the same answers before anything is measured."""
    for call in scenario.calls:
        for at in range(1, 6):
            answers = {}
            for server in servers:
                body = call.body and filled(call.body, at)
                status, headers, text = server.ask(call.method, filled(server.path(call), at), body, server.headers(call))
                if status >= 300:
                    raise SystemExit(f"{server.name}, {scenario.name}: {status} {text[:500]!r}")
                answers[server.name] = (text, [headers.get(name) for name in call.same])
            first, *others = answers
            for other in others:
                if answers[other] != answers[first]:
                    raise SystemExit(f"{scenario.name}: {first} and {other} do not answer the same:\n"
                                     f"{str(answers[first])[:600]}\n{str(answers[other])[:600]}")


def measure(wrk, servers, scenario, options, load_cores):
    """The runs of each server, taking turns."""
    runs = {server.name: [] for server in servers}
    for _ in range(options.rounds):
        for server in servers:
            for attempt in range(ATTEMPTS):
                server.start()
                run = load.run(wrk, server, scenario, options.seconds, load_cores)
                server.stop()
                if run["others"] <= OTHERS_ALLOWED or options.keep_busy:
                    runs[server.name].append(run)
                    break
                print(f"  {scenario.name}, {server.name}: thrown away, something else used {run['others']:.2f} processors", flush=True)
    return {name: report.summary(of) for name, of in runs.items() if of}


def machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {"processor": model, "processors": os.cpu_count(), "commit": commit, "date": datetime.date.today().isoformat()}


def main():
    chosen = options()
    names = chosen.servers.split(",")
    only = [name for name in (chosen.profile or chosen.only).split(",") if name]
    unknown = set(only) - {scenario.name for scenario in SCENARIOS}
    if unknown:
        raise SystemExit(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SCENARIOS)}")
    scenarios = [scenario for scenario in SCENARIOS if not only or scenario.name in only]
    target = chosen.target.resolve()
    work = target / "bench"
    work.mkdir(parents=True, exist_ok=True)
    wrk = load.find_wrk()
    if not chosen.no_build:
        print("building", flush=True)
    binaries = build(ROOT, target, names, only_name=chosen.no_build)
    project = data.prepare(ROOT, binaries.get("plinth") or build(ROOT, target, ["plinth"])["plinth"], work)
    server_cores, load_cores = halves()
    if chosen.profile:
        return flame.profile(ROOT, target, project, work, scenarios[0], wrk, server_cores, load_cores, chosen.seconds)
    servers = [Server(name, binaries[name], project, work, 18_080 + at, server_cores) for at, name in enumerate(names)]
    results = {}
    for scenario in scenarios:
        for server in servers:
            server.start()
        check(servers, scenario)
        for server in servers:
            server.stop()
        print(f"{scenario.name}: {scenario.what}", flush=True)
        results[scenario.name] = measure(wrk, servers, scenario, chosen, load_cores)
        print(report.table({scenario.name: results[scenario.name]}, {scenario.name: scenario.target}), flush=True)
    about = machine() | {"start_ms": {server.name: round(server.start_ms, 1) for server in servers}}
    path = chosen.json or work / "results.json"
    path.write_text(json.dumps({"about": about, "results": results}, indent=1) + "\n")
    print(f"\n{json.dumps(about)}\n\n{report.table(results, {s.name: s.target for s in SCENARIOS})}")
    if chosen.compare:
        print(f"\nsince {chosen.compare}\n{report.comparison(report.load(chosen.compare), results)}")
    for server in servers:
        shutil.rmtree(server.folder, ignore_errors=True)
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
