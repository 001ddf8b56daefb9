"""The data of the benchmark: a project with seeded tables, made once and kept under target/bench until its sources change."""

import csv
import hashlib
import random
import re
import shutil
import subprocess
import uuid
from pathlib import Path

ROOMS, MESSAGES, EVENTS, HIRING_TIMES = 100, 100_000, 1_000_000, 10
USER = "11111111-1111-4111-8111-111111111111"
SECRET = "a-secret-of-the-benchmark-that-guards-nothing"

WORDS = ("the deploy is green again we should look at the index before the next release because the page was slow for "
         "those who read it from far away and nobody saw why until somebody measured it twice").split()


def prepare(root: Path, plinth: Path, target: Path) -> Path:
    """The project folder with a seeded database in it."""
    sources = [*sorted((root / "bench/project").rglob("*.*")), *sorted((root / "examples/hiring/schema").glob("*.sql")),
               *sorted((root / "examples/hiring/seed").glob("*.csv")), Path(__file__)]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in sources if path.is_file())).hexdigest()
    project, made = target / "project", target / "project/made"
    if made.exists() and made.read_text() == mark:
        return project
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(root / "bench/project", project)
    for path in (root / "examples/hiring/schema").glob("*.sql"):
        shutil.copy(path, project / "schema" / path.name)
    print("data: writing the seeds", flush=True)
    (project / "seed").mkdir()
    rooms(project / "seed")
    hiring(root / "examples/hiring/seed", project / "seed")
    print("data: making the database", flush=True)
    for command in (["db", "apply"], ["db", "seed"]):
        subprocess.run([plinth, *command, "--project", project], check=True, stdout=subprocess.DEVNULL)
    made.write_text(mark)
    return project


def read(path: Path):
    """The header and the rows of a seed. As there, an empty field is null (None here) unless it is quoted."""
    text = re.sub(r'(?<=,)""(?=[,\r\n])', '"\x01"', path.read_text())
    header, *rows = csv.reader(text.splitlines(keepends=True))
    meant = {"": None, "\x01": ""}
    return header, [[meant.get(field, field) for field in row] for row in rows]


def write(path: Path, header, rows):
    def field(value):
        return "" if value is None else '"' + str(value).replace('"', '""') + '"'

    with path.open("w") as file:
        file.write(",".join(header) + "\n")
        file.writelines(",".join(map(field, row)) + "\n" for row in rows)


def rooms(seed: Path):
    chance = random.Random(5)
    body = lambda: " ".join(chance.choices(WORDS, k=20))[:100]
    author = lambda: f"user{chance.randrange(500)}"
    message = ("id", "room", "author", "body", "created")
    messages = lambda: ((n, n % ROOMS + 1, author(), body(), 1_700_000_000_000 + n * 977) for n in range(1, MESSAGES + 1))
    write(seed / "room.csv", ("id", "name"), ((n, f"Room {n}") for n in range(1, ROOMS + 1)))
    write(seed / "message.csv", message, messages())
    write(seed / "letter.csv", message, messages())
    write(seed / "membership.csv", ("user_id", "room"),
          [(USER, n) for n in range(1, ROOMS + 1)]
          + [(uuid.UUID(int=chance.getrandbits(128), version=4), chance.randrange(1, ROOMS + 1)) for _ in range(5000)])
    marks = ("thumbs up", "laugh", "heart", "eyes")
    write(seed / "reaction.csv", ("id", "message_id", "author", "mark"),
          ((n, chance.randrange(1, MESSAGES + 1), author(), chance.choice(marks)) for n in range(1, 3 * MESSAGES + 1)))
    write(seed / "event.csv", ("id", "kind", "place", "amount", "note"),
          ((n, chance.choice(("open", "move", "close")), chance.randrange(1000), chance.randrange(10**9),
            chance.choice((None, "checked by hand", "from the second import"))) for n in range(1, EVENTS + 1)))


def hiring(source: Path, seed: Path):
    """The rows of the example, several times over: each further time with keys of its own."""
    tables = {path.stem.split("_", 1)[1]: read(path) for path in sorted(source.glob("*.csv"))}
    last = {name: len(rows) for name, (header, rows) in tables.items() if header[0] == "id" and rows[0][0].isdigit()}
    write(seed / "skill.csv", *tables.pop("skill"))
    for name, (header, rows) in tables.items():
        copies = ([again(name, column, text, time, last) for column, text in zip(header, row)]
                  for time in range(HIRING_TIMES) for row in rows)
        write(seed / f"{name}.csv", header, copies)


def again(table, column, text, time, last):
    """A field in the further copy of its row."""
    if time == 0 or not text or column == "skill_id":
        return text
    owner = table if column == "id" else column.removesuffix("_id")
    if owner in last and text.isdigit():
        return int(text) + time * last[owner]
    if column in ("id", "user_id", "contact_id", "author_id", "interviewer_id", "changed_by"):
        return uuid.UUID(int=uuid.UUID(text).int ^ (time << 90))
    return f"{text}-{time}" if column == "slug" else text
