"""The published client library, unmodified, drives the hiring example. The server's address and tokens come in the environment."""

import asyncio
import os
import unittest
import uuid
from contextlib import contextmanager
from datetime import datetime, timezone

from postgrest import APIError, AsyncPostgrestClient, CountMethod, ReturnMethod, SyncPostgrestClient

URL = os.environ["PLINTH_URL"] + "/rest/v1"
KEY = os.environ["PLINTH_ANON_KEY"]


def headers(token=None):
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return {"apikey": KEY, **bearer}


def client(token=None):
    made = SyncPostgrestClient(URL, headers=headers(token))
    unittest.addModuleCleanup(made.aclose)
    return made


anon = client()
candidate = client(os.environ["PLINTH_CANDIDATE_TOKEN"])
recruiter = client(os.environ["PLINTH_RECRUITER_TOKEN"])
service = client(os.environ["PLINTH_SERVICE_KEY"])

COMPANY = 1
POSTING = {
    "title": "Engineer for the test suite",
    "summary": "A test.",
    "duties": "Test.",
    "requirements": "Tests.",
    "seniority": "senior",
    "remote": "remote",
    "city": "Lisbon",
    "country": "PT",
    "salary_min": 60000,
    "salary_max": 80000,
}


def skill(number, **changes):
    return {"id": number, "name": f"Test {number}", "slug": f"test-{number}", "category": "language", **changes}


class Client(unittest.TestCase):
    @contextmanager
    def refused(self, code):
        """What is inside is refused with this code, and with a message."""
        with self.assertRaises(APIError) as raised:
            yield raised
        self.assertEqual((raised.exception.code, bool(raised.exception.message)), (code, True), raised.exception.json())


class Reads(Client):
    def test_rows_with_related_ones_counted(self):
        answer = (
            anon.from_("posting")
            .select("id, title", "company(name)", "posting_skill(required, skill(name))", count=CountMethod.exact)
            .eq("state", "published")
            .order("published_at", desc=True)
            .order("id")
            .range(10, 19)
            .execute()
        )
        self.assertEqual(len(answer.data), 10)
        self.assertGreater(answer.count, 250)
        for posting in answer.data:
            self.assertEqual(set(posting), {"id", "title", "company", "posting_skill"})
            self.assertIsInstance(posting["company"]["name"], str)
        ids = anon.from_("posting").select("id").eq("state", "published").order("published_at", desc=True).order("id")
        self.assertEqual([row["id"] for row in ids.offset(10).limit(10).execute().data], [p["id"] for p in answer.data])

    def test_a_count_without_rows(self):
        answer = anon.from_("skill").select("*", count=CountMethod.exact, head=True).execute()
        self.assertEqual((answer.data, answer.count), ([], 58))

    def test_all_columns_when_none_is_named(self):
        answer = anon.from_("skill").select().eq("slug", "postgresql").execute()
        self.assertEqual([set(row) for row in answer.data], [{"id", "name", "slug", "category"}])

    def test_single_and_maybe_single(self):
        one = anon.from_("skill").select("id,name").eq("id", 1).single().execute()
        self.assertEqual(one.data["id"], 1)
        maybe = anon.from_("skill").select("id").eq("id", 1).maybe_single().execute()
        self.assertEqual(maybe.data, {"id": 1})
        self.assertIsNone(anon.from_("skill").select("id").eq("id", -1).maybe_single().execute())
        for query in (anon.from_("skill").select("id"), anon.from_("skill").select("id").eq("id", -1)):
            with self.refused("PGRST116"):
                query.single().execute()
        with self.refused("406"):
            anon.from_("skill").select("id").limit(2).maybe_single().execute()

    def test_csv(self):
        text = anon.from_("skill").select("id,slug").order("id").limit(2).csv().execute().data
        self.assertRegex(text, r"\Aid,slug\n1,[a-z-]+\n2,[a-z-]+\Z")

    def test_nulls_stripped(self):
        query = recruiter.from_("posting").select("id,closed_at").is_("closed_at", None).order("id").limit(1)
        self.assertEqual(set(query.execute().data[0]), {"id", "closed_at"})
        self.assertEqual(set(query.strip_nulls().execute().data[0]), {"id"})

    def test_related_rows_ordered_limited_and_filtered(self):
        answer = (
            anon.from_("company")
            .select("id,posting(id,salary_max)")
            .gt("posting.salary_max", 50000)
            .order("id")
            .order("salary_max", desc=True, foreign_table="posting")
            .limit(2, foreign_table="posting")
            .limit(5)
            .execute()
        )
        self.assertEqual(len(answer.data), 5)
        self.assertTrue(any(len(company["posting"]) == 2 for company in answer.data))
        for company in answer.data:
            salaries = [posting["salary_max"] for posting in company["posting"]]
            self.assertEqual(salaries, sorted(salaries, reverse=True))
            self.assertTrue(all(salary > 50000 for salary in salaries) and len(salaries) <= 2)

    def test_a_computed_column(self):
        answer = anon.from_("skill").select("slug,demand").eq("slug", "postgresql").single().execute()
        self.assertGreater(answer.data["demand"], 0)

    def test_a_plan_where_plans_are_off(self):
        with self.refused("PGRST107"):
            anon.from_("skill").select("id").explain().execute()

    def test_another_schema_than_those_exposed(self):
        with self.refused("PGRST106"):
            anon.schema("auth").from_("skill").select("id").execute()

    def test_the_asynchronous_client(self):
        async def drive():
            async with AsyncPostgrestClient(URL, headers=headers()) as asynchronous:
                numbers = range(1, 9)
                queries = (asynchronous.from_("skill").select("id").eq("id", n).single().execute() for n in numbers)
                answers = await asyncio.gather(*queries)
                self.assertEqual([answer.data["id"] for answer in answers], list(numbers))
                with self.refused("PGRST205"):
                    await asynchronous.from_("no_such_table").select("id").execute()

        asyncio.run(drive())


class Filters(Client):
    @classmethod
    def setUpClass(cls):
        columns = "id,title,seniority,salary_min,benefits,city,closed_at"
        cls.all = anon.from_("posting").select(columns).order("id").execute().data
        cls.titles = {row["id"]: row["title"] for row in cls.all}

    def same(self, build, keep):
        """The filter keeps the rows that Python does, some and not all."""
        found = build(anon.from_("posting").select("id").order("id")).execute().data
        expected = [row["id"] for row in self.all if keep(row)]
        self.assertEqual([row["id"] for row in found], expected)
        self.assertTrue(0 < len(expected) < len(self.all), f"{len(expected)} of {len(self.all)} rows")

    def test_comparisons(self):
        self.same(lambda q: q.eq("seniority", "senior"), lambda row: row["seniority"] == "senior")
        self.same(lambda q: q.neq("seniority", "senior"), lambda row: row["seniority"] != "senior")
        self.same(lambda q: q.gt("salary_min", 70000), lambda row: row["salary_min"] > 70000)
        self.same(lambda q: q.gte("salary_min", 70000), lambda row: row["salary_min"] >= 70000)
        self.same(lambda q: q.lt("salary_min", 70000), lambda row: row["salary_min"] < 70000)
        self.same(lambda q: q.lte("salary_min", 70000), lambda row: row["salary_min"] <= 70000)
        self.same(lambda q: q.not_.eq("seniority", "senior"), lambda row: row["seniority"] != "senior")
        self.same(
            lambda q: q.match({"seniority": "senior", "city": self.all[0]["city"]}),
            lambda row: row["seniority"] == "senior" and row["city"] == self.all[0]["city"],
        )

    def test_patterns(self):
        self.same(lambda q: q.like("title", "%Engineer%"), lambda row: "Engineer" in row["title"])
        self.same(lambda q: q.ilike("title", "%engineer%"), lambda row: "engineer" in row["title"].lower())
        self.same(
            lambda q: q.like_any_of("title", "%Engineer%,%Senior%"),
            lambda row: "Engineer" in row["title"] or "Senior" in row["title"],
        )
        self.same(
            lambda q: q.ilike_all_of("title", "%engineer%,%e%e%e%e%"),
            lambda row: "engineer" in row["title"].lower() and row["title"].lower().count("e") >= 4,
        )

    def test_lists_and_logic(self):
        self.same(lambda q: q.in_("seniority", ["junior", "mid"]), lambda row: row["seniority"] in ("junior", "mid"))
        self.same(
            lambda q: q.or_("seniority.eq.staff,and(salary_min.gte.60000,salary_min.lt.65000)"),
            lambda row: row["seniority"] == "staff" or 60000 <= row["salary_min"] < 65000,
        )
        self.same(
            lambda q: q.not_.or_("seniority.eq.staff,seniority.eq.mid"),
            lambda row: row["seniority"] not in ("staff", "mid"),
        )

    def test_text_with_the_characters_of_the_syntax(self):
        titles = [self.all[0]["title"], 'a,b"c\\d(e)', "x:y.z"]
        self.same(lambda q: q.in_("title", titles), lambda row: row["title"] in titles)
        self.assertEqual(anon.from_("posting").select("id").eq("title", 'a,b"c\\d(e) & ü%').execute().data, [])

    def test_arrays(self):
        benefit = next(row["benefits"][0] for row in self.all if row["benefits"])
        has = lambda row: benefit in row["benefits"]
        self.same(lambda q: q.contains("benefits", [benefit]), has)
        self.same(lambda q: q.cs("benefits", [benefit]), has)
        self.same(lambda q: q.overlaps("benefits", [benefit, 'no,such "one"']), has)
        some = next(row["benefits"] for row in self.all if row["benefits"])
        self.same(lambda q: q.contained_by("benefits", some), lambda row: set(row["benefits"]) <= set(some))

    def test_related_rows(self):
        query = anon.from_("posting").select("id,skill!inner(slug)").eq("skill.slug", "postgresql").order("id")
        found = query.execute().data
        self.assertTrue(0 < len(found) < len(self.all))
        self.assertTrue(all(row["skill"] == [{"slug": "postgresql"}] for row in found))

    def test_words(self):
        words = anon.from_("posting").select("id").order("id")
        found = words.text_search("title", "engineers", {"type": "web_search", "config": "english"}).execute().data
        self.assertTrue(0 < len(found) < len(self.all))
        self.assertTrue(all("engineer" in self.titles[row["id"]].lower() for row in found))
        self.assertEqual(words.plfts("title", "engineering engineer").execute().data, found)
        # Without stems the word itself has to be there.
        unstemmed = anon.from_("posting").select("id").text_search("title", "engineers", {"config": "simple"})
        self.assertEqual(unstemmed.execute().data, [])

    def test_what_cannot_be_read(self):
        for code, build in [
            ("22P02", lambda q: q.eq("id", "one")),
            ("22P02", lambda q: q.eq("seniority", "no such level")),
            ("42703", lambda q: q.eq("no_such_column", 1)),
            ("PGRST100", lambda q: q.or_("id.eq")),
            ("PGRST100", lambda q: q.filter("id", "no_such_operator", "1")),
        ]:
            with self.subTest(code=code), self.refused(code):
                build(anon.from_("posting").select("id")).execute()


class Writes(Client):
    def tearDown(self):
        service.from_("skill").delete().gte("id", 9000).execute()
        service.from_("posting").delete().eq("title", POSTING["title"]).execute()

    def test_inserts_one_and_many(self):
        one = service.from_("skill").insert(skill(9001)).execute()
        self.assertEqual(one.data, [skill(9001)])
        many = service.from_("skill").insert([skill(9002), skill(9003)], count=CountMethod.exact).select("id,name")
        answer = many.execute()
        self.assertEqual(answer.data, [{"id": 9002, "name": "Test 9002"}, {"id": 9003, "name": "Test 9003"}])
        self.assertEqual(answer.count, 2)
        silent = service.from_("skill").insert(skill(9004), returning=ReturnMethod.minimal).execute()
        self.assertEqual(silent.data, [])
        single = service.from_("skill").insert(skill(9005)).select("slug").single().execute()
        self.assertEqual(single.data, {"slug": "test-9005"})

    def test_missing_members_are_null_or_the_default(self):
        posting = service.from_("posting").insert({**POSTING, "company_id": COMPANY}).single().execute().data["id"]
        rows = [{"posting_id": posting, "skill_id": 1}, {"posting_id": posting, "skill_id": 2, "required": False}]
        with self.refused("23502"):
            service.from_("posting_skill").insert(rows).execute()
        answer = service.from_("posting_skill").insert(rows, default_to_null=False).select("required").execute()
        self.assertEqual(answer.data, [{"required": True}, {"required": False}])

    def test_upserts(self):
        first = service.from_("skill").upsert(skill(9001)).execute()
        again = service.from_("skill").upsert([skill(9001, name="Renamed"), skill(9002)]).select("id,name").execute()
        self.assertEqual(first.data, [skill(9001)])
        self.assertEqual(again.data, [{"id": 9001, "name": "Renamed"}, {"id": 9002, "name": "Test 9002"}])
        by_slug = {"slug": "test-9001", "name": "By slug", "category": "database"}
        answer = service.from_("skill").upsert(by_slug, on_conflict="slug").execute()
        self.assertEqual(answer.data, [{"id": 9001, **by_slug}])
        kept = [{**by_slug, "name": "Ignored"}, {**by_slug, "slug": "test-9003", "name": "Added"}]
        ignoring = service.from_("skill").upsert(kept, on_conflict="slug", ignore_duplicates=True).select("name")
        self.assertEqual(ignoring.execute().data, [{"name": "Added"}])
        with self.refused("23505"):
            service.from_("skill").upsert(skill(9004, slug="test-9001")).execute()

    def test_updates(self):
        service.from_("skill").insert([skill(9001), skill(9002)]).execute()
        answer = service.from_("skill").update({"category": "database"}, count=CountMethod.exact).gte("id", 9000)
        changed = answer.execute()
        self.assertEqual((len(changed.data), changed.count), (2, 2))
        self.assertEqual({row["category"] for row in changed.data}, {"database"})
        one = service.from_("skill").update({"name": "One"}).eq("id", 9001).select("name").single().execute()
        self.assertEqual(one.data, {"name": "One"})
        self.assertEqual(service.from_("skill").update({"name": "None"}).eq("id", 9999).execute().data, [])
        with self.refused("PGRST124"):
            service.from_("skill").update({"category": "practice"}).gte("id", 9000).max_affected(1).execute()
        after = service.from_("skill").select("category").gte("id", 9000).execute()
        self.assertEqual({row["category"] for row in after.data}, {"database"})

    def test_deletes(self):
        service.from_("skill").insert([skill(9001), skill(9002), skill(9003)]).execute()
        gone = service.from_("skill").delete(count=CountMethod.exact).in_("id", [9001, 9002]).select("id").order("id")
        answer = gone.execute()
        self.assertEqual((answer.data, answer.count), ([{"id": 9001}, {"id": 9002}], 2))
        silent = service.from_("skill").delete(returning=ReturnMethod.minimal).eq("id", 9003).execute()
        self.assertEqual(silent.data, [])
        self.assertEqual(service.from_("skill").select("id").gte("id", 9000).execute().data, [])

    def test_values_of_python(self):
        application = service.from_("application").select("id").order("id").limit(1).single().execute().data["id"]
        row = {
            "id": uuid.uuid4(),
            "application_id": application,
            "kind": "technical",
            "starts_at": datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone.utc),
            "interviewer_id": uuid.UUID("22222222-2222-4222-8222-222222222222"),
        }
        answer = service.from_("interview").insert(row).single().execute()
        self.assertEqual(answer.data["id"], str(row["id"]))
        self.assertEqual(datetime.fromisoformat(answer.data["starts_at"]), row["starts_at"])
        found = service.from_("interview").select("id").eq("starts_at", row["starts_at"]).eq("id", row["id"]).execute()
        self.assertEqual(found.data, [{"id": str(row["id"])}])
        self.assertEqual(len(service.from_("interview").delete().eq("id", row["id"]).execute().data), 1)

    def test_what_is_wrong_with_the_values(self):
        service.from_("skill").insert(skill(9001)).execute()
        for code, row in [
            ("23505", skill(9002, slug="test-9001")),
            ("23514", skill(9002, name="")),
            ("23502", skill(9002, name=None)),
            ("22P02", skill(9002, category="no such category")),
            ("PGRST204", skill(9002, no_such_column=1)),
        ]:
            with self.subTest(code=code), self.refused(code):
                service.from_("skill").insert(row).execute()
        with self.refused("23503"):
            service.from_("posting").insert({**POSTING, "company_id": -1}).execute()
        self.assertEqual(service.from_("skill").select("id").eq("id", 9002).execute().data, [])


class Rights(Client):
    def test_a_candidate_sees_the_own_profile_alone(self):
        self.assertEqual(candidate.from_("candidate").select("id,given_name").execute().data, [{"id": 1, "given_name": "Ana"}])
        own = candidate.from_("application").select("candidate_id").execute().data
        self.assertEqual({row["candidate_id"] for row in own}, {1})
        with self.refused("PGRST205"):
            anon.from_("candidate").select("id").execute()

    def test_a_recruiter_writes_postings_of_the_own_company_only(self):
        own = recruiter.from_("posting").insert({**POSTING, "company_id": COMPANY}).select("id,state,salary_mid")
        posting = own.single().execute().data
        self.assertEqual((posting["state"], posting["salary_mid"]), ("draft", 70000))
        with self.refused("42501"):
            recruiter.from_("posting").insert({**POSTING, "company_id": 2}).execute()
        with self.refused("42501"):
            anon.from_("posting").insert({**POSTING, "company_id": COMPANY}).execute()
        gone = recruiter.from_("posting").delete(count=CountMethod.exact).eq("id", posting["id"]).select("id").execute()
        self.assertEqual(gone.count, 1)

    def test_a_token_that_is_none(self):
        with self.refused("PGRST301"):
            client("nonsense").from_("skill").select("id").execute()

    def test_names_that_are_not_there(self):
        for code, query in [
            ("PGRST205", anon.from_("no_such_table").select("id")),
            ("42703", anon.from_("posting").select("no_such_column")),
            ("PGRST200", anon.from_("skill").select("id,company(id)")),
            ("PGRST202", anon.rpc("no_such_function", {})),
            ("PGRST202", anon.rpc("search_postings", {"no_such_argument": "x"})),
        ]:
            with self.subTest(code=code), self.refused(code):
                query.execute()


class Functions(Client):
    def test_rows_by_post_and_get(self):
        def found(**how):
            rows = anon.rpc("search_postings", {"query": "postgresql"}, **how).select("id,title").order("id").limit(3)
            return rows.execute().data

        self.assertEqual(len(found()), 3)
        self.assertEqual(found(get=True), found())

    def test_filters_counts_and_formats(self):
        arguments = {"query": "postgresql", "level": "senior"}
        counted = anon.rpc("search_postings", arguments, count=CountMethod.exact).select("id").limit(1).execute()
        self.assertGreater(counted.count, len(counted.data))
        head = anon.rpc("search_postings", arguments, count=CountMethod.exact, head=True).execute()
        self.assertEqual(head.count, counted.count)
        filtered = anon.rpc("search_postings", arguments).select("id").eq("id", counted.data[0]["id"])
        self.assertEqual(filtered.execute().data, counted.data)
        one = anon.rpc("search_postings", arguments).select("id").eq("id", counted.data[0]["id"]).single()
        self.assertEqual(one.execute().data, counted.data[0])
        self.assertIsNone(anon.rpc("search_postings", arguments).select("id").eq("id", -1).maybe_single().execute())
        text = anon.rpc("search_postings", arguments).select("id").order("id").limit(1).csv().execute().data
        self.assertRegex(text, r"\Aid\n\d+\Z")

    def test_a_value(self):
        self.assertIs(recruiter.rpc("is_recruiter", {"company": COMPANY}).execute().data, True)
        self.assertIs(recruiter.rpc("is_recruiter", {"company": 2}, get=True).execute().data, False)
        self.assertIsNone(recruiter.rpc("my_candidate_id", {}).execute().data)
        with self.refused("22P02"):
            recruiter.rpc("is_recruiter", {"company": "one"}).execute()

    def test_who_may_not_call(self):
        with self.refused("PGRST202"):
            anon.rpc("is_recruiter", {"company": COMPANY}).execute()


if __name__ == "__main__":
    unittest.main()
