"""What was measured, as tables for people and as JSON for comparing."""

import json
from statistics import median

MEASURES = ("requests_per_second", "p50_ms", "p99_ms", "cpu_micros", "resident_mb", "peak_mb")


def summary(runs):
    """The median of each measure over the runs of one server in one scenario."""
    return {measure: round(median(run[measure] for run in runs), 3) for measure in MEASURES} | {"runs": len(runs)}


def table(results, targets):
    """One block of lines for each scenario."""
    lines = [f"{'scenario':<12} {'server':<8} {'req/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'CPU-µs':>10} {'ratio':>6} {'target':>6} "
             f"{'p99 ratio':>9} {'MB':>6} {'peak MB':>7}"]
    for scenario, servers in results.items():
        floor = servers.get("floor")
        for server, seen in servers.items():
            ratio = f"{seen['cpu_micros'] / floor['cpu_micros']:.2f}" if floor else ""
            slower = f"{seen['p99_ms'] / floor['p99_ms']:.2f}" if floor else ""
            target = targets.get(scenario) if server == "plinth" else None
            lines.append(
                f"{scenario:<12} {server:<8} {seen['requests_per_second']:>9,.0f} {seen['p50_ms']:>8.2f} {seen['p99_ms']:>8.2f} "
                f"{seen['cpu_micros']:>10,.1f} {ratio:>6} {target or '':>6} {slower:>9} {seen['resident_mb']:>6.0f} {seen['peak_mb']:>7.0f}")
    return "\n".join(lines)


def comparison(old, new):
    """What changed since an earlier run, for each scenario that both have."""
    lines = [f"{'scenario':<12} {'server':<8} {'CPU-µs then':>12} {'now':>10} {'change':>8} {'ratio then':>11} {'now':>6}"]
    for scenario, servers in new.items():
        for server, seen in servers.items():
            was = old.get(scenario, {}).get(server)
            if not was:
                continue
            change = seen["cpu_micros"] / was["cpu_micros"] - 1
            ratios = [f"{of[server]['cpu_micros'] / of['floor']['cpu_micros']:.2f}" if "floor" in of else ""
                      for of in (old[scenario], servers)]
            lines.append(f"{scenario:<12} {server:<8} {was['cpu_micros']:>12,.1f} {seen['cpu_micros']:>10,.1f} {change:>+8.1%} "
                         f"{ratios[0]:>11} {ratios[1]:>6}")
    return "\n".join(lines)


def load(path):
    return json.loads(path.read_text())["results"]
