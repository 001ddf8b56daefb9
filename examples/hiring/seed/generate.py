#!/usr/bin/env python3
"""Writes the seed data of the job board as CSV files beside this script.

    python3 examples/hiring/seed/generate.py

The output depends on nothing but this script and texts.py: the same files on every machine, on every day.
Files are loaded in the order of their names. A header names the columns; an empty field is null, "" is an empty text,
arrays are PostgreSQL literals.
"""

import csv
import json
import random
import unicodedata
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import texts

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 10, 28, 12, 0, tzinfo=timezone.utc)  # the moment that the data shows
POSTINGS, CANDIDATES, APPLICATIONS = 432, 3000, 8000
FINAL = ("hired", "rejected", "withdrawn")

# Known users, described in the README of the example.
DEMO_CANDIDATE = "11111111-1111-4111-8111-111111111111"
DEMO_RECRUITER_1 = "22222222-2222-4222-8222-222222222222"
DEMO_MANAGER_1 = "33333333-3333-4333-8333-333333333333"
DEMO_RECRUITER_2 = "44444444-4444-4444-8444-444444444444"

chance = random.Random(20261028)


def new_uuid():
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def plain(text):
    """The text in lower case ASCII letters, digits and hyphens."""
    for letter, ascii_form in {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "&": "and", "#": "-sharp"}.items():
        text = text.lower().replace(letter, ascii_form)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join("".join(c if c.isalnum() else " " for c in text.replace("'", "")).split())


def stamp(moment):
    return moment.isoformat(timespec="seconds")


def at_work(moment):
    """The same day (or the Monday after a weekend) at some time between 8:00 and 17:00 UTC."""
    moment += timedelta(days=max(0, moment.weekday() - 4) and 7 - moment.weekday())
    return moment.replace(hour=chance.randrange(8, 17), minute=chance.randrange(60), second=chance.randrange(60))


def between(first, last):
    return first + timedelta(seconds=chance.randrange(max(1, int((last - first).total_seconds()))))


def array(items):
    return "{" + ",".join('"' + item.replace('"', '\\"') + '"' if " " in item else item for item in items) + "}"


def write(name, rows):
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(rows[0])
        for row in rows:
            if any(value == "" for value in row.values()):
                raise ValueError(f"{name}: an empty text would be read as null: {row}")
            out.writerow(["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in row.values()])
    print(f"{name}: {len(rows)} rows")


def person(used):
    given, family = chance.choice(texts.NAMES)
    given, family = chance.choice(given.split()), chance.choice(family.split())
    base = f"{plain(given)}.{plain(family)}"
    used[base] = used.get(base, 0) + 1
    number = "" if used[base] == 1 else str(used[base])
    return given, family, base + number


def companies_and_members():
    companies, members = [], []
    for number, (name, city, country, size, founded, about, _) in enumerate(texts.COMPANIES, 1):
        created = at_work(datetime(2024, 1, 8, tzinfo=timezone.utc) + timedelta(days=9 * number))
        if founded == 2025:
            created = at_work(datetime(2026, 9, 1, tzinfo=timezone.utc) + timedelta(days=number % 5))
        host = f"{plain(name)}.example.com"
        companies.append(dict(
            id=number, name=name, slug=plain(name), about=about, website=f"https://{host}/", city=city, country=country,
            size=size, founded_year=founded, verified=founded != 2025, billing_email=f"billing@{host}",
            created_at=stamp(created)))
        staff = ["recruiter", "hiring_manager"]
        staff += {"1-10": [], "11-50": ["hiring_manager"]}.get(size, ["recruiter", "hiring_manager", "hiring_manager"])
        used = {}
        for place, role in enumerate(staff):
            given, family, mailbox = person(used)
            user = new_uuid()
            if (number, place) in DEMO_MEMBERS:
                user, given, family = DEMO_MEMBERS[number, place]
                mailbox = f"{plain(given)}.{plain(family)}"
            members.append(dict(
                company_id=number, user_id=user, role=role, display_name=f"{given} {family}", email=f"{mailbox}@{host}",
                joined_at=stamp(at_work(created + timedelta(days=chance.randrange(0, 30) if place else 0)))))
    return companies, members


DEMO_MEMBERS = {
    (1, 0): (DEMO_RECRUITER_1, "Helena", "Duarte"),
    (1, 1): (DEMO_MANAGER_1, "Tomás", "Ferreira"),
    (2, 0): (DEMO_RECRUITER_2, "Linnea", "Holm"),
}


def skill_rows():
    return [dict(id=n, name=name, slug=plain(name.replace(".0", "")), category=category)
            for n, (name, category) in enumerate(texts.SKILLS.items(), 1)]


def salary(seniority, country, kind):
    currency, factor, _ = texts.COUNTRIES[country]
    low, high = texts.SENIORITY[seniority]
    premium = {"database_engine": 1.1, "rust_services": 1.06, "ml_serving": 1.08, "php": 0.88, "cms": 0.92, "learning": 0.93,
               "ledger": 1.05, "security": 1.06}.get(kind, 1.0)
    middle = chance.randrange(low, high) * factor * premium
    step = 500 if middle < 300000 else 5000
    width = chance.choice([0.06, 0.08, 0.1, 0.12, 0.15])
    ends = [int(round(middle * (1 + side * width) / step)) * step for side in (-1, 1)]
    return f"{ends[0]}.00", f"{ends[1]}.00", currency


def posting_rows(members):
    skill_ids = {name: n for n, name in enumerate(texts.SKILLS, 1)}
    weights = {"1-10": 1, "11-50": 7, "51-200": 11, "201-1000": 15, "1001+": 17}
    owners = [n for n, c in enumerate(texts.COMPANIES, 1) for _ in range(weights[c[3]])]
    shuffled = owners[:]
    chance.shuffle(shuffled)
    owners = ([1, 1, 2, 2] + list(range(1, len(texts.COMPANIES) + 1)) + shuffled)[:POSTINGS]
    drafts, seen, duty_use = [], set(), {}
    for company_id in owners:
        name, _, country, size, founded, _, kinds = texts.COMPANIES[company_id - 1]
        for _ in range(50):
            kind = chance.choice(kinds.split())
            role = texts.ROLES[kind]
            lang = chance.choice(role["langs"])
            seniority = chance.choices(list(texts.SENIORITY), [12, 32, 36, 14, 6])[0]
            title = chance.choice(role["titles"]).format(lang=lang)
            prefix = {"mid": ""}.get(seniority, seniority.capitalize() + " ")
            title = prefix + title
            summary = chance.choice(role["summaries"]).format(company=name)
            if (company_id, title) not in seen and (company_id, summary) not in seen:
                break
        else:
            continue
        seen.update([(company_id, title), (company_id, summary)])

        def least_used(pool, count):
            """Some of the pool, those first that this company has used least."""
            ranked = sorted(pool, key=lambda t: (duty_use.get((company_id, t), 0), chance.random()))[:count]
            for text in ranked:
                duty_use[company_id, text] = duty_use.get((company_id, text), 0) + 1
            return ranked

        duties = least_used(role["duties"], chance.randrange(4, 6)) + least_used(texts.GENERAL_DUTIES, chance.randrange(1, 3))
        requirements = [chance.choice(texts.EXPERIENCE[seniority]).format(lang=lang)]
        requirements += least_used(role["requirements"], 3) + least_used(texts.GENERAL_REQUIREMENTS, chance.randrange(1, 3))
        benefits = chance.sample(texts.BENEFITS, chance.randrange(2, 6))
        needed = list(dict.fromkeys([lang] + role["skills"]))
        welcome = chance.sample([s for s in role["extra"] if s not in needed], chance.randrange(1, 4))
        years = {"junior": None, "mid": 2, "senior": 4, "staff": 6, "principal": 8}[seniority]
        city = chance.choice(texts.COUNTRIES[country][2])
        count = chance.choice(["four", "five", "six", "seven", "eight", "nine"])
        tools = [s for s in needed + welcome if s != lang and texts.SKILLS[s] != "practice"]
        teams = [t for t in texts.TEAMS if len(tools) > 1 or "{skills}" not in t]
        summary += " " + chance.choice(teams).format(
            n=count, n_cap=count.capitalize(), city=city, lang=lang,
            year=chance.randrange(max(founded, 2008), 2025) if founded < 2024 else founded,
            skills=" and ".join(chance.sample(tools, min(2, len(tools)))))
        skills = [(skill_ids[s], True, years if n == 0 else None) for n, s in enumerate(needed)]
        skills += [(skill_ids[s], False, None) for s in welcome]
        low, high, currency = salary(seniority, country, kind)
        first = datetime(2026, 9, 10, tzinfo=timezone.utc) if founded == 2025 else datetime(2025, 9, 1, tzinfo=timezone.utc)
        created = at_work(NOW - timedelta(days=5) - (NOW - timedelta(days=5) - first) * chance.random() ** 1.5)
        age = (NOW - created).days
        state = chance.choices(["draft", "published", "closed"], [6, 78, 16] if age < 120 else [3, 55, 42])[0]
        if founded == 2025:
            state = "published"
        published = closed = None
        if state != "draft":
            published = min(created + timedelta(minutes=chance.randrange(30, 4000)), NOW - timedelta(hours=20))
        if state == "closed":
            closed = at_work(between(published + timedelta(days=25), max(published + timedelta(days=30), NOW - timedelta(days=8))))
            if closed >= NOW - timedelta(days=2):
                state, closed = "published", None
        drafts.append(dict(
            id=0, company_id=company_id, contact_id=chance.choice([m["user_id"] for m in members if m["company_id"] == company_id]),
            title=title, summary=summary, duties="\n".join(duties), requirements="\n".join(requirements), benefits=array(benefits),
            seniority=seniority, remote=chance.choices(["on_site", "hybrid", "remote"], [16, 50, 34])[0],
            city=city, country=country, salary_min=low, salary_max=high, currency=currency,
            state=state, created_at=created, published_at=published, closed_at=closed, skills=skills))
    # Companies 1 and 2, and the demo users in them, have something in each state.
    for company_id in (1, 2):
        own = sorted((d for d in drafts if d["company_id"] == company_id), key=lambda d: d["created_at"])
        own[-1].update(state="draft", published_at=None, closed_at=None)
        if not any(d["state"] == "closed" for d in own):
            own[0].update(state="closed", closed_at=own[0]["published_at"] + timedelta(days=70))
        for d in own[1:-1][:3]:
            d.update(state="published", published_at=d["published_at"] or d["created_at"] + timedelta(hours=2), closed_at=None)
    drafts.sort(key=lambda d: (d["created_at"], d["title"]))
    for number, draft in enumerate(drafts, 1):
        draft["id"] = number
    return drafts


def candidate_rows():
    rows, used = [], {}
    languages = ["en", "de", "fr", "es", "pt", "pl", "sv", "hi", "zh", "ar", "ja", "vi", "uk", "sw", "it", "nl"]
    code = [name for name, category in texts.SKILLS.items() if category == "language" and name != "SQL"]
    stores = [name for name, category in texts.SKILLS.items() if category == "database"]
    for number in range(1, CANDIDATES + 1):
        given, family, mailbox = person(used)
        user = new_uuid()
        if number == 1:
            user, given, family, mailbox = DEMO_CANDIDATE, "Ana", "Ribeiro", "ana.ribeiro"
            used[mailbox] = used.get(mailbox, 0) + 1
        country = "PT" if number == 1 else chance.choice(list(texts.COUNTRIES))
        currency, factor, cities = texts.COUNTRIES[country]
        years = min(30, int(chance.expovariate(1 / 7)))
        lang, second = chance.sample(code, 2)
        db, db2 = chance.sample(stores, 2)
        topic = chance.choice(texts.TOPICS)
        headline = chance.choice(texts.HEADLINES).format(lang=lang, db=db, topic=topic, topic_cap=topic[0].upper() + topic[1:])
        year, jobs = 2026, []
        count = 1 if years < 3 else 2 if years < 9 else 3
        for employer, did in zip(chance.sample(texts.EMPLOYERS, count), chance.sample(texts.ACHIEVEMENTS, count)):
            span = max(1, min(years, chance.randrange(1, 7)))
            did = did.format(lang=chance.choice([lang, second]), db=db, db2=db2)
            jobs.append(f"{year - span}-{year}: {employer}; {did}")
            year -= span
        cv = "\n".join([f"{lang}, {second}, {db}"] + jobs + [chance.choice(texts.STUDIES) + f", {year - chance.randrange(0, 2)}"])
        expected = None
        if chance.random() < 0.7:
            base = (42000 + 5200 * min(years, 14)) * factor * chance.uniform(0.9, 1.15)
            expected = f"{int(base / 1000) * 1000}.00"
        links = {}
        if chance.random() < 0.6:
            links["code"] = f"https://code.example.org/{mailbox}"
        if chance.random() < 0.35:
            links["site"] = f"https://{mailbox.replace('.', '-')}.example.net/"
        spoken = ["en"] + chance.sample(languages[1:], chance.choice([0, 1, 1, 2]))
        rows.append(dict(
            id=number, user_id=user, given_name=given, family_name=family,
            email=f"{mailbox}@example.{chance.choice(['com', 'org', 'net'])}", city=chance.choice(cities), country=country,
            headline=headline, years_experience=years, expected_salary=expected, currency=currency, languages=array(spoken),
            links=json.dumps(links, separators=(", ", ": ")), cv=cv, created_at=None, about=(lang, db, topic)))
    return rows


def cover_letter(about, years):
    lang, db, topic = about
    n = chance.randrange(2, 13)
    parts = [chance.choice(texts.COVER_OPENINGS)]
    if chance.random() < 0.5:
        parts.append(chance.choice(texts.COVER_MIDDLES))
    if chance.random() < 0.3:
        parts.append(chance.choice(texts.COVER_CLOSINGS))
    return " ".join(parts).format(years=max(2, min(years, 12)), topic=topic, lang=lang, db=db, weeks=n, n=1 + n % 4)


def course(applied, end, closed, hire):
    """The moves of one application until `end`: [(stage, moment)]; all open ones end when the posting is closed."""
    moves, moment = [], applied
    steps = [("screening", 1, 8), ("interview", 4, 15), ("offer", 6, 21), ("hired", 2, 11)]
    keep_on = [0.62, 0.44, 0.14, 0.0]
    for (stage, soonest, latest), chance_on in zip(steps, keep_on):
        moment = at_work(moment + timedelta(days=chance.randrange(soonest, latest)))
        if not hire and chance.random() > chance_on:
            stage = "withdrawn" if chance.random() < 0.2 or stage == "hired" else "rejected"
        if moment >= end:
            break
        moves.append((stage, moment))
        if stage in FINAL:
            return moves
    if closed:
        moves.append(("rejected", end))
    return moves


def application_rows(postings, candidates, members):
    staff = {}
    for member in members:
        staff.setdefault(member["company_id"], {}).setdefault(member["role"], []).append(member["user_id"])
    open_to_public = [p for p in postings if p["state"] != "draft" and texts.COMPANIES[p["company_id"] - 1][4] != 2025]
    weights = [1 + min(((p["closed_at"] or NOW) - p["published_at"]).days, 90) / 30 for p in open_to_public]
    pairs, rows = set(), []
    own = [[p for p in open_to_public if p["company_id"] == c and p["state"] == s][-1] for c, s in
           [(1, "published"), (2, "closed"), (2, "published"), (3, "published")]]
    wanted = [(p, 1) for p in own]
    # Every candidate applies at least once, most a few times.
    order = list(range(2, CANDIDATES + 1))
    while len(wanted) < APPLICATIONS:
        number = order[len(wanted) - 4] if len(wanted) - 4 < len(order) else chance.randrange(2, CANDIDATES + 1)
        posting = chance.choices(open_to_public, weights)[0]
        if (posting["id"], number) not in pairs:
            pairs.add((posting["id"], number))
            wanted.append((posting, number))
    for posting, number in wanted:
        end = posting["closed_at"] or NOW
        last = max(posting["published_at"] + timedelta(hours=3), end - timedelta(days=3 if posting["closed_at"] else 0, hours=2))
        share = chance.random() ** (1.6 if posting["closed_at"] else 0.9)
        applied = posting["published_at"] + timedelta(seconds=int((last - posting["published_at"]).total_seconds() * share))
        rows.append(dict(posting=posting, candidate=candidates[number - 1], applied_at=applied.replace(microsecond=0)))
    rows.sort(key=lambda r: (r["applied_at"], r["posting"]["id"], r["candidate"]["id"]))

    hires = {}  # for most closed postings, and for a few open ones that look for several people, the one who is hired
    for row in rows:
        posting = row["posting"]
        room = ((posting["closed_at"] or NOW) - row["applied_at"]).days
        if room >= 25 and row["candidate"]["id"] != 1 and posting["id"] not in hires:
            if chance.random() < (0.4 if posting["closed_at"] else 0.012):
                hires[posting["id"]] = row

    applications, events, interviews, notes = [], [], [], []
    for number, row in enumerate(rows, 1):
        posting, candidate, applied = row["posting"], row["candidate"], row["applied_at"]
        recruiters = staff[posting["company_id"]]["recruiter"]
        managers = staff[posting["company_id"]]["hiring_manager"]
        end = posting["closed_at"] or NOW
        if candidate["id"] == 1 and posting is own[0]:
            moves = [("screening", applied + timedelta(days=2)), ("interview", applied + timedelta(days=7))]
        elif candidate["id"] == 1 and posting is own[3]:
            moves = []
        else:
            moves = course(applied, end, posting["closed_at"], hires.get(posting["id"]) is row)
        moves = [(stage, moment) for stage, moment in moves if moment < NOW]
        stage = moves[-1][0] if moves else "received"
        candidate["first"] = min(candidate.get("first", applied), applied)
        applications.append(dict(
            id=number, posting_id=posting["id"], candidate_id=candidate["id"], stage=stage,
            source=chance.choices(["job_board", "referral", "company_site", "social", "event"], [50, 14, 20, 12, 4])[0],
            cover_letter=cover_letter(candidate["about"], candidate["years_experience"]), applied_at=stamp(applied)))
        before = "received"
        for place, (to, moment) in enumerate(moves):
            reason = chance.choice(texts.REJECT_REASONS + [None] * 5) if to == "rejected" else chance.choice(texts.MOVE_REASONS.get(to, [None]))
            by = candidate["user_id"] if to == "withdrawn" else chance.choice(recruiters)
            if to == "rejected" and moment == posting["closed_at"]:
                reason = "Position filled" if posting["id"] in hires else "Posting closed"
            events.append(dict(id=0, application_id=number, from_stage=before, to_stage=to, changed_at=moment, changed_by=by, reason=reason))
            before = to
            until = moves[place + 1][1] if place + 1 < len(moves) else min(moment + timedelta(days=12), end)
            kinds = {"screening": ["phone_screen"], "interview": chance.sample(["technical", "system_design", "pairing", "team"], chance.choice([1, 1, 1, 2]))}
            good = place + 1 < len(moves) and moves[place + 1][0] in ("interview", "offer", "hired")
            for kind in kinds.get(to, []):
                if kind == "phone_screen" and chance.random() < 0.75:
                    continue
                starts = moment + timedelta(days=chance.randrange(1, 9))
                if not (to == moves[-1][0] and until >= end and not posting["closed_at"]) and until.date() <= starts.date():
                    starts = moment + (until - moment) / 2
                starts += timedelta(days=max(0, starts.weekday() - 4) and 7 - starts.weekday())
                starts = starts.replace(hour=chance.randrange(8, 16), minute=chance.choice([0, 0, 30]), second=0, microsecond=0)
                if starts <= moment or (place + 1 < len(moves) and starts >= moves[place + 1][1]):
                    continue
                held = starts < NOW - timedelta(hours=2)
                outcome = chance.choice(["yes", "yes", "strong_yes"] if good else ["no", "no", "yes", "strong_no"]) if held else None
                interviews.append(dict(
                    id=new_uuid(), application_id=number, kind=kind, starts_at=starts, duration_minutes=30 if kind == "phone_screen" else chance.choice([45, 60, 60, 90]),
                    interviewer_id=chance.choice(recruiters if kind == "phone_screen" else managers),
                    place=chance.choice(["Video call", "Video call", "Video call", "Room Ada", "Room Hopper", "By phone"]), outcome=outcome))
                if held and chance.random() < 0.6:
                    rating = {"strong_no": 1, "no": chance.choice([2, 3]), "yes": chance.choice([3, 4]), "strong_yes": 5}[outcome]
                    notes.append(dict(id=new_uuid(), application_id=number, author_id=interviews[-1]["interviewer_id"], body=chance.choice(texts.NOTES[rating]),
                                      rating=rating, created_at=min(starts + timedelta(minutes=chance.randrange(90, 300)), NOW)))
            if to in ("screening", "interview") and chance.random() < 0.1:
                notes.append(dict(id=new_uuid(), application_id=number, author_id=chance.choice(recruiters + managers), body=chance.choice(texts.NOTES[None]),
                                  rating=None, created_at=min(moment + timedelta(minutes=chance.randrange(5, 600)), NOW)))
    events.sort(key=lambda e: (e["changed_at"], e["application_id"]))
    for number, event in enumerate(events, 1):
        event.update(id=number, changed_at=stamp(event["changed_at"]))
    for rows, column in ((interviews, "starts_at"), (notes, "created_at")):
        rows.sort(key=lambda r: (r[column], r["id"]))
        for row in rows:
            row[column] = stamp(row[column])
    for candidate in candidates:
        first = candidate.pop("first", NOW)
        candidate["created_at"] = stamp(first - timedelta(seconds=chance.randrange(600, 5000000)))
        del candidate["about"]
    return applications, events, interviews, notes


def main():
    companies, members = companies_and_members()
    postings = posting_rows(members)
    candidates = candidate_rows()
    applications, events, interviews, notes = application_rows(postings, candidates, members)
    posting_skills = [dict(posting_id=p["id"], skill_id=s, required=r, min_years=y) for p in postings for s, r, y in sorted(p.pop("skills"))]
    for posting in postings:
        for column in ("created_at", "published_at", "closed_at"):
            posting[column] = posting[column] and stamp(posting[column])
    write("01_company.csv", companies)
    write("02_member.csv", members)
    write("03_skill.csv", skill_rows())
    write("04_posting.csv", postings)
    write("05_posting_skill.csv", posting_skills)
    write("06_candidate.csv", candidates)
    write("07_application.csv", applications)
    write("08_stage_event.csv", events)
    write("09_interview.csv", interviews)
    write("10_note.csv", notes)


if __name__ == "__main__":
    main()
