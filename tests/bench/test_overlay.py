"""Own fields by their types: what an overlay takes to make and to keep, and what reading through it costs."""

import gc
import statistics
import time
import tracemalloc
from datetime import date
from decimal import Decimal

import orjson
import pytest

from kedang_graphql.overlay.overlays import Overlays
from kedang_graphql.schema import build_gateway
from kedang_platform.clock import SystemClock
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.changing import Change, change
from kedang_tenants.people.viewers import system_viewer
from tests.bench.load import Target, medians, once, post
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.bench

KINDS = ("TEXT", "INTEGER", "DECIMAL", "DAY", "CHOICE")
OWN = {"own_text": "x", "own_integer": 5, "own_decimal": Decimal("1.5"), "own_day": date(2026, 3, 2)}
LIST = "{ customers(first: 100, orderBy: [{field: NAME}]) { nodes { id number name city %s } } }"
SELECTIONS = {
    "without": "",
    "customFields": "customFields",
    "typed": "custom { own_text own_integer own_decimal own_day own_choice }",
}


def defined(records: int, each: int) -> tuple[CustomField, ...]:
    return tuple(
        CustomField(
            f"{n:x}",
            record.name,
            f"own_{n}",
            KINDS[n % len(KINDS)],
            f"Own field {n}",
            f"自有字段 {n}",
            options=(("NORTH", "NORTH"), ("SOUTH", "SOUTH")),
        )
        for record in list(catalogue())[:records]
        for n in range(each)
    )


def test_an_overlay():
    overlays = Overlays(build_gateway())
    overlays.build(defined(1, 1))
    for records, each in ((1, 5), (5, 10), (len(list(catalogue())), 10), (len(list(catalogue())), 100)):
        fields = defined(records, each)
        took = []
        for _ in range(7):
            began = time.perf_counter()
            overlay = overlays.build(fields)
            took.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        text = overlays.text_of(overlay).text
        printed = (time.perf_counter() - began) * 1000
        del overlay
        gc.collect()
        tracemalloc.start()
        overlay = overlays.build(fields)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(
            f"\n{records} records with {each} own fields each: {statistics.median(took):.1f} ms,"
            f" {held / 1e6:.2f} MB (weighed as {overlay.weight / 1e6:.2f}), printed in {printed:.0f} ms, {len(text)} bytes"
        )
        assert overlay.weight >= held


@pytest.fixture
async def archive(databases, company):
    """500 customers with five own fields; the key of one who sees everything."""
    member = await make_member(databases, company, "OWNER")
    rows = [
        {"record": "customer", "key": f"own_{kind.lower()}", "kind": kind}
        | ({"options": ["NORTH", "SOUTH"]} if kind == "CHOICE" else {})
        for kind in KINDS
    ]
    await Factory(databases, company).many("custom_field", rows)
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        changes = [
            Change(
                "customer",
                "create",
                values={"name": f"Customer {n}", "number": f"C{n}", "owner_id": member.id},
                custom={**OWN, "own_choice": "NORTH"},
            )
            for n in range(500)
        ]
        await change(write, viewer, changes, clock=SystemClock())
    from tests.support.database import SECRET

    return await make_key(databases, member, key=SECRET)


async def test_a_list_of_100_with_five_own_fields(archive, serve):
    port = serve("kedang_graphql")
    targets = [
        Target(
            name,
            port,
            post(
                port,
                "/graphql",
                orjson.dumps({"query": LIST % selected}),
                Authorization=f"Bearer {archive}",
            ),
        )
        for name, selected in SELECTIONS.items()
    ]
    answers = {target.name: orjson.loads(once(target))["data"]["customers"]["nodes"] for target in targets}
    typed = [node["custom"] for node in answers["typed"]]
    assert typed == [node["customFields"] for node in answers["customFields"]]
    assert len(typed) == 100
    assert typed[0]["own_choice"] == "NORTH"
    ms = medians(targets)
    print("\nlist of 100, p50 ms: " + ", ".join(f"{name} {took:.2f}" for name, took in ms.items()))
