"""What is measured. A scenario is one kind of request (or two, mixed), with what Plinth is sent and what the rivals are sent for it."""

from dataclasses import dataclass, field

REST = "/rest/v1"
COLUMNS = "id,room,author,body,created"
ENTRY = '{"room": {room}, "author": "user7", "body": "the deploy is green again we should look at the index", "created": 1700000000000}'
CHANGE = '{"body": "the deploy is green again and it was measured twice before the next release"}'
SLOW_ROUNDS = 9_000_000


@dataclass
class Call:
    """A request. `{key}`, `{room}` and `{posting}` are drawn at random."""
    plinth: str
    rival: str
    method: str = "GET"
    body: str | None = None
    headers: dict = field(default_factory=dict)
    signed_in: bool = False
    weight: int = 1
    same: tuple = ()
    """Headers of the answer that have to agree, beside the body"""


@dataclass
class Scenario:
    name: str
    what: str
    calls: list
    target: float | None = None
    """The ratio to the floor that Plinth is to reach, in CPU per request"""
    connections: int = 64
    idle: int = 0
    """Connections that are open beside the load and do nothing"""
    beside: Call | None = None
    """A request that is made again and again beside the load"""


BY_KEY = Call(f"{REST}/message?select={COLUMNS}&id=eq.{{key}}", "/message/{key}")
PAGE = Call(f"{REST}/message?select={COLUMNS}&room=eq.{{room}}&id=gt.{{key}}&order=id&limit=20", "/room/{room}/messages?after={key}")
INSERT = Call(f"{REST}/entry", "/entry", "POST", ENTRY)

SCENARIOS = [
    Scenario("constant", "a constant", [Call("/health/live", "/constant")]),
    Scenario("by_key", "one row by key", [BY_KEY], target=1.35),
    Scenario("page", "page of 20, filter and order", [PAGE], target=1.25),
    Scenario("embeds", "page of 20 with a to-one and a to-many embed", [Call(
        f"{REST}/message?select={COLUMNS},in:room(id,name),reaction(author,mark)&room=eq.{{room}}&id=gt.{{key}}&order=id&limit=20",
        "/room/{room}/board?after={key}")], target=1.4),
    Scenario("aggregate", "aggregate with group", [Call(
        f"{REST}/message?select=author,count(),id.max()&room=eq.{{room}}&order=author", "/room/{room}/authors")]),
    Scenario("counted", "page of 20 with count=exact", [Call(
        PAGE.plinth, "/room/{room}/counted?after={key}", headers={"Prefer": "count=exact"}, same=("content-range",))]),
    Scenario("hiring", "hiring's public postings with company and skills, under its policies", [Call(
        f"{REST}/posting?select=id,title,city,company(name,slug),posting_skill(skill_id,required)&id=gt.{{posting}}&order=id&limit=20",
        "/postings?after={posting}")]),
    Scenario("letter", "signed in, one row by key, policy over two tables", [Call(
        f"{REST}/letter?select={COLUMNS}&id=eq.{{key}}", "/letter/{key}", signed_in=True)], target=1.5),
    Scenario("letters", "signed in, page of 20, policy over two tables", [Call(
        f"{REST}/letter?select={COLUMNS}&room=eq.{{room}}&id=gt.{{key}}&order=id&limit=20",
        "/room/{room}/letters?after={key}", signed_in=True)], target=1.5),
    Scenario("insert", "insert one, answered after the fsync", [INSERT], target=1.3),
    Scenario("insert_100", "insert 100 in one request", [Call(
        f"{REST}/entry", "/entries", "POST", "[" + ",".join([ENTRY] * 100) + "]")]),
    Scenario("update", "update by key", [Call(f"{REST}/message?id=eq.{{key}}", "/message/{key}", "PATCH", CHANGE)]),
    Scenario("mixed", "75 % reads by key, 25 % inserts", [
        Call(BY_KEY.plinth, BY_KEY.rival, weight=3), INSERT]),
    Scenario("export_json", "1,000,000 rows as JSON", [Call(
        f"{REST}/event?select=id,kind,place,amount,note", "/events.json")], target=1.2, connections=1),
    Scenario("export_csv", "1,000,000 rows as CSV", [Call(
        f"{REST}/event?select=id,kind,place,amount,note", "/events.csv", headers={"Accept": "text/csv"})], target=1.2, connections=1),
    Scenario("idle", "one row by key, beside 1,000 idle connections", [BY_KEY], idle=1000),
    Scenario("slow", "one row by key, beside a query of about a second", [BY_KEY],
             beside=Call(f"{REST}/rpc/slow?rounds={SLOW_ROUNDS}", f"/slow/{SLOW_ROUNDS}")),
]


def filled(text, at):
    """The text with the keys of the check number `at` in place."""
    keys = {"{key}": 977 * at + 1, "{room}": 7 * at + 1, "{posting}": 400 * at + 1}
    for name, value in keys.items():
        text = text.replace(name, str(value))
    return text
