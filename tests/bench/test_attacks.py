"""What attacks cost the server, what others notice of them, and what the caches and the bucket take."""

import asyncio
import gc
import statistics
import time
from pathlib import Path

import httpx
import orjson
import pytest

from kedang_graphql.schema import build_gateway
from kedang_platform.buckets import Buckets
from kedang_platform.errors import KedangError
from kedang_platform.ids import new_id
from tests.bench.load import Target, medians, post
from tests.support.attacks import ATTACKS, Attack
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.bench
LIST = "{ tags(first: 100) { nodes { id name } } }"
MOST_CPU = 150.0


def cpu_of(attack: Attack) -> float:
    """Milliseconds of processor time until a process that knows nothing of the request has refused it."""
    gateway = build_gateway()
    cache = gateway.operation_cache()
    began = time.process_time()
    try:
        given = orjson.loads(attack.body)
        operation = cache.get(given["query"])
        if not operation.errors:
            cache.variables(operation.definition(None), given["variables"])
    except KedangError:
        pass
    return (time.process_time() - began) * 1000


def test_processor_time_of_each_attack():
    build_gateway()
    gc.collect()
    gc.freeze()
    try:
        cpu_of(Attack(LIST, "", ""))
        took = {name: min(cpu_of(attack) for _ in range(3)) for name, attack in ATTACKS.items()}
    finally:
        gc.unfreeze()
    print()
    for name, ms in sorted(took.items(), key=lambda entry: -entry[1]):
        print(f"{ms:7.1f} ms  {name}")
    print(f"worst {max(took.values()):.1f} ms (<= {MOST_CPU:.0f})")


async def paced(
    http: httpx.AsyncClient, bodies: list[bytes], key: str, *, rate: float, seconds: float
) -> list[tuple[float, int]]:
    """Milliseconds and status of each answer, asked for at a steady rate whatever the server does."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    found: list[tuple[float, int]] = []

    async def one(body: bytes) -> None:
        began = time.perf_counter()
        answer = await http.post("/graphql", content=body, headers=headers)
        found.append(((time.perf_counter() - began) * 1000, answer.status_code))

    async with asyncio.TaskGroup() as asking:
        for n in range(int(rate * seconds)):
            asking.create_task(one(bodies[n % len(bodies)]))
            await asyncio.sleep(1 / rate)
    return found


def p95(times: list[tuple[float, int]]) -> float:
    return statistics.quantiles([ms for ms, _ in times], n=20)[-1]


async def test_others_beside_an_attacker(databases, company, serve, gateway):
    await Factory(databases, company).many("tag", [{"name": f"{n}"} for n in range(100)])
    member = await make_member(databases, company, "OWNER")
    ours, theirs = [await make_key(databases, member, key=gateway.services.identity.key) for _ in range(2)]
    points = {"KEDANG_COST_POINTS": "2000", "KEDANG_COST_POINTS_PER_SECOND": "200"}
    port = serve("kedang_graphql", **points)
    attacks = [attack.body for attack in ATTACKS.values()]
    listing = [orjson.dumps({"query": LIST})]
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as attacker,
    ):
        await paced(http, listing, ours, rate=40, seconds=1)
        alone = await paced(http, listing, ours, rate=40, seconds=4)
        for phase in ("while the attacker's bucket lasts", "then"):
            under, attacked = await asyncio.gather(
                paced(http, listing, ours, rate=40, seconds=4),
                paced(attacker, attacks, theirs, rate=20, seconds=4),
            )
            assert {status for _, status in under} == {200}
            throttled = sum(status == 429 for _, status in attacked)
            print(
                f"\np95 of others: alone {p95(alone):.1f} ms, {phase} {p95(under):.1f} ms"
                f" ({p95(under) / p95(alone):.2f}, < 2); {throttled} of {len(attacked)} attacks throttled"
            )


async def test_what_the_bucket_costs_a_request(databases, company, serve, gateway, servers):
    await Factory(databases, company).many("tag", [{"name": f"{n}"} for n in range(100)])
    member = await make_member(databases, company, "OWNER")
    key = await make_key(databases, member, key=gateway.services.identity.key)
    body = orjson.dumps({"query": LIST})
    targets = []
    for name, own in (("Valkey", {}), ("none", {"KEDANG_REDIS_URL": "redis://127.0.0.1:1/0"})):
        port = serve("kedang_graphql", **own)
        targets.append(Target(name, port, post(port, "/graphql", body, Authorization=f"Bearer {key}")))
    ms = medians(targets)
    print(
        "\nlist of 100, p50 ms, buckets in " + ", ".join(f"{name} {value:.2f}" for name, value in ms.items())
    )

    buckets = Buckets(size=1000, rate=1e6, redis_url=servers.redis_url)
    times: dict[str, list[float]] = {"from the estimate": [], "asked of Valkey": []}
    for name, points in (("from the estimate", 1), ("asked of Valkey", 900)):
        for _ in range(500):
            began = time.perf_counter()
            await buckets.take(new_id().hex, points)
            times[name].append((time.perf_counter() - began) * 1000)
    await buckets.close()
    for name, values in times.items():
        print(f"taken {name}: p50 {statistics.median(values):.4f} ms")


def test_memory_of_10_000_distinct_documents():
    cache = build_gateway().operation_cache()
    shape = "query Q%d($n: Int) { customers(first: $n) { nodes { id name owner { name } contacts { nodes { id } } } } }"
    print()
    for n in range(10_000):
        operation = cache.get(shape % n)
        definition = operation.definition(None)
        cache.plan(operation, definition, cache.variables(definition, {}))
        if n % 2000 == 1999:
            print(
                f"{n + 1:6} documents: {cache.entries} remembered, {cache.held_bytes / 2**20:.1f} MB by"
                f" estimate, RSS {resident() / 2**20:.0f} MB"
            )


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
