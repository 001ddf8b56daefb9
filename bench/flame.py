"""A flame graph of Plinth under load: where its processor time goes. Uses Linux's perf."""

import html
import os
import re
import shutil
import subprocess
import zlib
from collections import Counter

import load
from servers import Server, build

WIDTH, ROW = 1400, 17


def profile(root, target, project, work, scenario, wrk, server_cores, load_cores, seconds):
    """Leaves an SVG under target/bench."""
    if not shutil.which("perf"):
        raise SystemExit("a profile needs Linux's perf: sudo apt-get install linux-perf")
    # Frame pointers make stacks cheap and whole; names have to be in the binary. A folder of its own keeps the other build.
    os.environ["RUSTFLAGS"] = "-C force-frame-pointers=yes"
    os.environ["CFLAGS"] = "-fno-omit-frame-pointer"
    os.environ["CARGO_PROFILE_RELEASE_STRIP"] = "none"
    os.environ["CARGO_PROFILE_RELEASE_DEBUG"] = "1"
    binary = build(root, target / "profile", ["plinth"])["plinth"]
    server = Server("plinth", binary, project, work, 18_090, server_cores)
    server.start()
    samples = work / "perf.data"
    recorder = subprocess.Popen(["perf", "record", "-q", "-F", "1997", "--call-graph", "fp", "-p", str(server.process.pid), "-o", samples])
    seen = load.run(wrk, server, scenario, seconds, load_cores)
    recorder.terminate()
    recorder.wait()
    server.stop()
    script = subprocess.run(["perf", "script", "-i", samples, "-F", "comm,ip,sym"], capture_output=True, text=True, check=True).stdout
    stacks = fold(script)
    path = work / f"flame-{scenario.name}.svg"
    path.write_text(draw(stacks, f"{scenario.name}: {scenario.what}, {seen['cpu_micros']:.1f} CPU-µs per request"))
    (work / f"flame-{scenario.name}.txt").write_text("".join(f"{';'.join(stack)} {count}\n" for stack, count in stacks.items()))
    print(f"written to {path}, and as text beside it")


def fold(script):
    """Samples by stack, outermost frame first."""
    stacks = Counter()
    for block in script.split("\n\n"):
        lines = block.strip("\n").splitlines()
        if len(lines) < 2:
            continue
        frames = [re.sub(r"::h[0-9a-f]{16}$", "", line.strip().split(" ", 1)[-1]) for line in lines[1:]]
        stacks[(lines[0].strip().split()[0], *reversed(frames))] += 1
    return stacks


def draw(stacks, title):
    """The stacks as an SVG: a frame is as wide as its share of the samples; hover for its name and share."""
    tree = {}
    for stack, count in stacks.items():
        level = tree
        for frame in stack:
            entry = level.setdefault(frame, [0, {}])
            entry[0] += count
            level = entry[1]
    total = sum(stacks.values())
    boxes, depth = [], max(map(len, stacks), default=1)

    def place(level, x, y):
        for name, (count, below) in sorted(level.items()):
            width = count / total * WIDTH
            if width >= 0.4:
                shade = zlib.crc32(name.encode()) % 55
                label = html.escape(name[: int(width / 7)]) if width > 30 else ""
                boxes.append(
                    f'<g><title>{html.escape(name)}: {count / total:.2%}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
                    f'height="{ROW - 1}" fill="rgb(230,{120 + shade},{60 + shade // 2})"/><text x="{x + 3:.1f}" y="{y + 12}">{label}</text></g>')
                place(below, x, y - ROW)
            x += width

    height = (depth + 3) * ROW
    place(tree, 0, height - 2 * ROW)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">'
            f'<rect width="100%" height="100%" fill="white"/><text x="4" y="14">{html.escape(title)}</text>{"".join(boxes)}</svg>')
