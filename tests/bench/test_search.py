"""Search over 200,000 names by the product's own statements: what docs/adr/0004-search.md decides.

Every number is the median of SQL times (round trips of prepared statements inside the company's
transaction). A look-up by primary key is measured between the searches, so that the machine's mood
falls on both alike.
"""

import random
import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

import asyncpg
import pytest

from kedang_platform.database import TenantRead
from kedang_platform.phones import read_phone
from kedang_platform.search_text import name_sort, normal_form, tokens
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import (
    Access,
    Compare,
    Filter,
    Listing,
    Lookup,
    Page,
    Scope,
    Search,
    Select,
    Viewer,
    read_listing,
    read_lookup,
)
from tests.support.names import company_names

pytestmark = pytest.mark.bench

ROWS = 200_000
MEMBERS = [UUID(int=n + 1) for n in range(100)]
COMMON = ("有限", "公司", "限公", "科技", "有限公司", "c0")
# As common as those above, and over 10 ms for some viewers: the goal is missed for these, so they are printed
# without a limit. Cities begin names and so stand together in people's order; 贸易 and 股份 are spread over it,
# but too thin within a department. See the ADR.
GOAL_MISSED = ("上海", "深圳", "州市", "北京", "珠海", "贸易", "股份")
SELECT = Select(("number", "name", "city", "state"))
COLUMNS = """
id number name name_sort search_text search_tokens owner_id directory roles state direct city address country
phone phone_e164 phone_reversed version created_at updated_at custom
"""


class TimedRead(TenantRead):
    """A read that adds up how long its statements take."""

    spent = 0.0

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        began = time.perf_counter()
        try:
            return await super().fetch(sql, *args)
        finally:
            self.spent += (time.perf_counter() - began) * 1e3


@dataclass
class Bench:
    read: TimedRead
    ids: list[UUID]
    viewers: dict[str, Viewer]

    async def search(self, viewer: Viewer, where: Filter) -> tuple[float, list[str]]:
        """Milliseconds of the statements, and the names of the page."""
        self.read.spent = 0.0
        found = await read_listing(self.read, viewer, Listing("customer", SELECT, Page(50), where))
        name = found.layout.fields["name"]
        return self.read.spent, [row[name] for row in found.page.rows]

    async def key_lookup(self, viewer: Viewer) -> float:
        self.read.spent = 0.0
        await read_lookup(self.read, viewer, Lookup("customer", (random.choice(self.ids),), SELECT))
        return self.read.spent

    async def compare(self, what: str, who: str, searches: list[Filter]) -> tuple[float, float]:
        """Median of the searches and of look-ups by key measured between them; prints them."""
        viewer = self.viewers[who]
        for search in searches[:10]:
            await self.search(viewer, search)
        keys, times = [], []
        for search in searches:
            keys.append(await self.key_lookup(viewer))
            times.append((await self.search(viewer, search))[0])
        key, median = statistics.median(keys), statistics.median(times)
        worst = statistics.quantiles(times, n=100)[98]
        print(f"{what}, {who}: {median:.3f} ms = {median / key:.1f} x {key:.3f} ms; p99 {worst:.2f} ms")
        return median, key


def rows_of(names: list[str], phones: list[str], ids: list[UUID]) -> list[tuple[object, ...]]:
    chance, now = random.Random(1), datetime(2026, 3, 2, tzinfo=UTC)
    rows = []
    for at, (key, name, phone) in enumerate(zip(ids, names, phones, strict=True)):
        number = f"C{at:06d}"
        text = normal_form(f"{name} {number}")
        read = read_phone(f"+86{phone}", None)
        rows.append(
            (key, number, name, name_sort(name), text, tokens(text), chance.choice(MEMBERS), "COMPANY", [], "CURRENT",
             True, name[:2], f"{name[:2]}市人民路{at % 997}号", "CN", phone, read.e164, read.digits_reversed, 1, now,
             now, "{}")
        )  # fmt: skip
    return rows


async def fill(superuser_url: str, schema: str, rows: list[tuple[object, ...]]) -> None:
    connection = await asyncpg.connect(superuser_url)
    try:
        # Owners are not made: nothing here reads them.
        await connection.execute("SET session_replication_role = replica")
        await connection.copy_records_to_table(
            "customer", schema_name=schema, records=rows, columns=COLUMNS.split()
        )
        await connection.execute(f'VACUUM ANALYZE "{schema}".customer')
    finally:
        await connection.close()


def viewers_of(system: Viewer) -> dict[str, Viewer]:
    def limited(scope: Scope) -> Viewer:
        access = MappingProxyType({"customer": Access(names=scope, read=scope)})
        return replace(system, member_id=MEMBERS[0], department_members=tuple(MEMBERS[1:10]), access=access)

    return {
        "everything": limited(Scope.ALL),
        "department": limited(Scope.DEPARTMENT),
        "own": limited(Scope.OWN),
    }


async def test_search_over_200000_names(databases, company, database_superuser_url):
    chance = random.Random(2)
    names = company_names(ROWS)
    phones = [f"1{chance.randrange(3, 10)}{chance.randrange(10**9):09d}" for _ in names]
    ids = [UUID(int=chance.getrandbits(128), version=4) for _ in names]
    rows = rows_of(names, phones, ids)
    await fill(database_superuser_url, company.ref.schema, rows)
    async with databases.tenant_read(company.ref) as read:
        system = await system_viewer(read, company=company)
        bench = Bench(TimedRead(read._driver, company.ref), ids, viewers_of(system))
        await check_results(bench, rows)
        random_bigrams = sorted({name[i : i + 2] for name in names for i in range(len(name) - 1)})
        written = [
            name[(i := chance.randrange(len(name) - 1)) : i + 2] for name in chance.sample(names, 1000)
        ]
        print()
        for who in bench.viewers:
            bigrams = [Search(pair) for pair in chance.sample(random_bigrams, 1000)]
            median, key = await bench.compare("1,000 random bigrams", who, bigrams)
            assert median <= 5 * key
            # More than half of these are common. By this reading of "random" five look-ups are not kept: printed only.
            await bench.compare("bigrams as often as written", who, [Search(pair) for pair in written])
            for word in COMMON:
                median, _ = await bench.compare(word, who, [Search(word)] * 41)
                assert median <= 10
            for word in GOAL_MISSED:
                await bench.compare(word, who, [Search(word)] * 21)
            endings = [Compare("phone", "ending", phone[-8:]) for phone in chance.sample(phones, 1000)]
            median, key = await bench.compare("last 8 digits of a phone", who, endings)
            assert median <= 2 * key


async def check_results(bench: Bench, rows: list[tuple[object, ...]]) -> None:
    """Both ways find exactly what a plain look at every row finds, in the same order."""
    in_order = sorted(rows, key=lambda row: (row[3], row[0].hex))
    queries = (
        "有限",
        "上海",
        "珠海",
        "科技",
        "厂",
        "阿里",
        "贸易有限",
        "c00019",
        "0",
        "(有限合伙)",
        "上海 科技",
        "没有这个",
    )
    for who, owners in (
        ("everything", set(MEMBERS)),
        ("department", set(MEMBERS[:10])),
        ("own", {MEMBERS[0]}),
    ):
        for query in queries:
            words = normal_form(query).split()
            hits = (row for row in in_order if row[6] in owners and all(word in row[4] for word in words))
            expected = [row[2] for row, _ in zip(hits, range(50), strict=False)]
            assert (await bench.search(bench.viewers[who], Search(query)))[1] == expected, (who, query)
