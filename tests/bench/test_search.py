"""Search over 200,000 names: what docs/adr/0004-search.md decides, measured as it says.

Every number is the median of round trips of prepared statements over one connection, the look-up by
primary key measured in turn with the rest, so that the machine's mood falls on both.
"""

import random
import statistics
import time
import uuid
from dataclasses import dataclass

import asyncpg
import pytest

from kedang_platform.database import CompanyRef, TenantRead
from kedang_platform.phones import read_phone
from kedang_platform.search_frequency import WALKED_ROWS, CommonTokens
from kedang_platform.search_text import like_pattern, name_sort, normal_form, query_tokens, tokens
from tests.support.names import company_names

pytestmark = [pytest.mark.bench, pytest.mark.requirement("A19")]

ROWS = 200_000
MEMBERS = 100
PAGE = 50

TABLE = """
CREATE TABLE customer (
  id uuid PRIMARY KEY, number text COLLATE "C", name text COLLATE "C" NOT NULL, name_sort text COLLATE "C" NOT NULL,
  search_text text COLLATE "C" NOT NULL, search_tokens text[] COLLATE "C" NOT NULL, owner_id uuid NOT NULL,
  city text COLLATE "C", address text COLLATE "C", phone text COLLATE "C", phone_e164 text COLLATE "C",
  phone_reversed text COLLATE "C", version int NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz
)"""
INDEXES = (
    "CREATE INDEX ON customer USING gin (search_tokens)",
    "CREATE INDEX ON customer (name_sort, id)",
    "CREATE INDEX ON customer (owner_id, name_sort, id)",
    "CREATE INDEX ON customer (phone_reversed text_pattern_ops)",
    "VACUUM ANALYZE customer",
)
COLUMNS = "id number name name_sort search_text search_tokens owner_id city address phone phone_e164 phone_reversed version"

BY_KEY = "SELECT id, number, name FROM customer t WHERE id = $1 AND archived_at IS NULL"
# OFFSET 0 fences the rows of the index off from ORDER BY and LIMIT, for the sake of which the planner
# would rather walk the whole table in order.
RARE = """
SELECT t.id, t.number, t.name FROM (
  SELECT * FROM customer t
  WHERE t.search_tokens @> $1::text[] AND t.search_text LIKE $2 AND t.archived_at IS NULL {scope} OFFSET 0
) t ORDER BY t.name_sort, t.id LIMIT 51"""
# One owner's rows come in order by themselves; of a wider scope only the walk as a whole can be bounded.
COMMON_OWN = f"""
SELECT t.id, t.number, t.name FROM (
  SELECT * FROM customer t WHERE t.archived_at IS NULL {{scope}} ORDER BY t.name_sort, t.id LIMIT {WALKED_ROWS}
) t WHERE t.search_text LIKE $1 ORDER BY t.name_sort, t.id LIMIT 51"""
COMMON_WIDE = f"""
SELECT t.id, t.number, t.name FROM (
  SELECT * FROM customer t ORDER BY t.name_sort, t.id LIMIT {WALKED_ROWS}
) t WHERE t.search_text LIKE $1 AND t.archived_at IS NULL {{scope}} ORDER BY t.name_sort, t.id LIMIT 51"""
ENDING = """
SELECT t.id, t.number, t.name FROM (
  SELECT * FROM customer t
  WHERE t.phone_reversed ~>=~ $1 AND t.phone_reversed ~<~ $2 AND t.archived_at IS NULL {scope} OFFSET 0
) t ORDER BY t.name_sort, t.id LIMIT 51"""


@dataclass(frozen=True)
class Scope:
    name: str
    sql: str
    owners: tuple[object, ...]


@dataclass
class Bench:
    connection: asyncpg.Connection
    names: list[str]
    phones: list[str]
    ids: list[uuid.UUID]
    members: list[uuid.UUID]
    common: CommonTokens

    def scopes(self) -> list[Scope]:
        return [
            Scope("all", "", ()),
            Scope("department", "AND t.owner_id = ANY(${n}::uuid[])", (self.members[:10],)),
            Scope("own", "AND t.owner_id = ${n}", (self.members[0],)),
        ]

    async def timed(self, sql: str, *values: object) -> tuple[float, list[asyncpg.Record]]:
        began = time.perf_counter()
        rows = await self.connection.fetch(sql, *values)
        return (time.perf_counter() - began) * 1e3, rows

    async def search(self, query: str, scope: Scope) -> tuple[float, list[asyncpg.Record]]:
        """Milliseconds of the statements that the rule takes for this query, and the page they bring."""
        spent = 0.0
        wanted, pattern = query_tokens(query), like_pattern(query)
        read = TenantRead(self.connection, CompanyRef(id=uuid.UUID(int=0), schema="public"))
        if await self.common.are_common(read, wanted, table="customer", column="search_tokens"):
            common = COMMON_OWN if scope.name == "own" else COMMON_WIDE
            sql = common.format(scope=scope.sql.format(n=2))
            spent, rows = await self.timed(sql, pattern, *scope.owners)
            if len(rows) > PAGE:
                return spent, rows
        sql = RARE.format(scope=scope.sql.format(n=3))
        more, rows = await self.timed(sql, wanted, pattern, *scope.owners)
        return spent + more, rows

    async def key_lookup(self) -> float:
        return (await self.timed(BY_KEY, random.choice(self.ids)))[0]


@pytest.fixture(scope="module")
async def bench(servers):
    owner = await asyncpg.connect(servers.database_url)
    await owner.execute("CREATE DATABASE bench_search")
    connection = await asyncpg.connect(servers.database_url, database="bench_search")
    try:
        yield await _filled(connection)
    finally:
        await connection.close()
        await owner.execute("DROP DATABASE bench_search")
        await owner.close()


async def _filled(connection: asyncpg.Connection) -> Bench:
    chance = random.Random(1)
    names = company_names(ROWS)
    phones = [f"1{chance.randrange(3, 10)}{chance.randrange(10**9):09d}" for _ in names]
    ids = [uuid.UUID(int=chance.getrandbits(128), version=4) for _ in names]
    members = [uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(MEMBERS)]
    await connection.execute(TABLE)
    rows = []
    for at, (key, name, phone) in enumerate(zip(ids, names, phones, strict=True)):
        number = f"C{at:06d}"
        text = normal_form(f"{name} {number}")
        read = read_phone(phone, None)
        rows.append(
            (key, number, name, name_sort(name), text, tokens(text), chance.choice(members), name[:2],
             f"{name[:2]}市人民路{at % 997}号", phone, f"+86{phone}", read.digits_reversed + "68", 1)
        )  # fmt: skip
    await connection.copy_records_to_table("customer", records=rows, columns=COLUMNS.split())
    for statement in INDEXES:
        await connection.execute(statement)
    return Bench(connection, names, phones, ids, members, CommonTokens())


async def measured(bench: Bench, queries: list[str], scope: Scope) -> tuple[list[float], float]:
    """Times of the queries, and the median of a look-up by key measured between them."""
    for query in queries[:20]:
        await bench.search(query, scope)
    times, keys = [], []
    for query in queries:
        keys.append(await bench.key_lookup())
        times.append((await bench.search(query, scope))[0])
    return times, statistics.median(keys)


async def test_the_rule_finds_exactly_what_contains_the_query(bench):
    everybody = bench.scopes()[0]
    in_order = sorted((name_sort(name), str(bench.ids[at]), at) for at, name in enumerate(bench.names))
    texts = [normal_form(f"{bench.names[at]} C{at:06d}") for _, _, at in in_order]
    for query in (
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
        "没有这个",
    ):
        expected = [in_order[at][1] for at, text in enumerate(texts) if normal_form(query) in text][:51]
        _, rows = await bench.search(query, everybody)
        assert [str(row["id"]) for row in rows] == expected, query


async def test_a_thousand_random_bigrams(bench):
    distinct = sorted({name[i : i + 2] for name in bench.names for i in range(len(name) - 1)})
    for scope in bench.scopes():
        times, key = await measured(bench, random.Random(2).sample(distinct, 1000), scope)
        median, worst = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(
            f"\nrandom bigrams, {scope.name}: {median:.3f} ms = {median / key:.1f} x {key:.3f}; p99 {worst:.2f} ms"
        )
        assert median <= 5 * key


async def test_bigrams_as_often_as_they_are_written(bench):
    """More than half of these are common words; printed, for no promise is made but that of common ones."""
    chance = random.Random(2)
    written = [
        name[(i := chance.randrange(len(name) - 1)) : i + 2] for name in chance.sample(bench.names, 1000)
    ]
    for scope in bench.scopes():
        times, key = await measured(bench, written, scope)
        median, worst = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(
            f"\nwritten bigrams, {scope.name}: {median:.3f} ms = {median / key:.1f} x {key:.3f}; p99 {worst:.2f} ms"
        )


async def test_common_words(bench):
    for scope in bench.scopes():
        for query in ("有限", "公司", "限公", "科技", "有限公司"):
            times, key = await measured(bench, [query] * 41, scope)
            print(f"\n{query}, {scope.name}: {statistics.median(times):.2f} ms (key {key:.3f})")
            assert statistics.median(times) <= 10


async def test_common_words_that_names_begin_with(bench):
    """Cities stand together in people's order, so a walk may miss them all: printed, see the ADR."""
    for scope in bench.scopes():
        for query in ("上海", "北京", "深圳", "州市", "珠海", "贸易", "股份"):
            times, key = await measured(bench, [query] * 21, scope)
            print(f"\n{query}, {scope.name}: {statistics.median(times):.2f} ms (key {key:.3f})")


async def test_the_last_eight_digits_of_a_phone(bench):
    for scope in bench.scopes():
        sql = ENDING.format(scope=scope.sql.format(n=3))
        times, keys = [], []
        for phone in random.Random(3).sample(bench.phones, 1000):
            keys.append(await bench.key_lookup())
            ending = phone[-8:][::-1]
            spent, rows = await bench.timed(sql, ending, ending + ":", *scope.owners)
            times.append(spent)
            assert rows or scope.owners
        median, key = statistics.median(times), statistics.median(keys)
        print(f"\nphone ending, {scope.name}: {median:.3f} ms = {median / key:.2f}x key {key:.3f}")
        assert median <= 2 * key
