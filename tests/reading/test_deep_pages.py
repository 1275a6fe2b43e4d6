"""A page at depth 10,000 costs what the first one does: the same statement, walked to by the index."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Listing, Page, Select
from kedang_tenants.reading.ordering import sort_signature, write_cursor
from kedang_tenants.reading.planner import plan_listing
from tests.support.members import make_member, viewer_of

ROWS, SIZE = 12_000, 100
SHALLOW, DEEP = 100, 10_000
FILL = """
INSERT INTO {schema}.customer
  (id, version, created_at, updated_at, name, name_sort, directory, roles, state, direct, custom, owner_id)
SELECT gen_random_uuid(), 1, now(), now(), 'Customer ' || n, lpad(n::text, 6, '0'), 'COMPANY', '{{}}', 'PROSPECTIVE',
  false, '{{}}', '{owner}'
FROM generate_series(1, {rows}) AS n;
ANALYZE {schema}.customer;
"""
Explained = Callable[..., Awaitable[tuple[str, str, list[Any]]]]


@pytest.fixture(params=["OWNER", "REPRESENTATIVE"])
async def explained(request, databases, company) -> Explained:
    """Explains the page behind a depth: its statement, its plan and its rows; all customers are the asker's."""
    member = await make_member(databases, company, request.param)
    async with databases.owner() as owner:
        await owner.execute(FILL.format(schema=company.ref.schema, rows=ROWS, owner=member.id))
    viewer = await viewer_of(databases, member)
    signature = sort_signature(catalogue().record("customer"), ())

    async def explain(depth: int, *, backward: bool) -> tuple[str, str, list[Any]]:
        async with databases.tenant_read(company.ref) as tx:
            direction = "DESC" if backward else "ASC"
            edge = await tx.fetchrow(
                f"SELECT name_sort, id FROM customer ORDER BY name_sort {direction} OFFSET $1 LIMIT 1",
                depth - 1,
            )
            assert edge is not None
            cursor = write_cursor(signature, list(edge))
            page = Page(SIZE, before=cursor, backward=True) if backward else Page(SIZE, after=cursor)
            plan = plan_listing(viewer, Listing("customer", Select(("name",)), page))
            rows = await tx.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF) {plan.sql}", *plan.values)
            found = await tx.fetch(plan.sql, *plan.values)
        return plan.sql, "\n".join(row[0] for row in rows), [row[plan.layout.fields["name"]] for row in found]

    return explain


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("backward", [False, True], ids=["forwards", "backwards"])
async def test_a_deep_page_is_reached_by_the_index(explained, backward):
    shallow, _, _ = await explained(SHALLOW, backward=backward)
    deep, plan, names = await explained(DEEP, backward=backward)
    assert deep == shallow
    assert "OFFSET" not in deep
    assert "Sort" not in plan, plan
    assert "name_sort" in plan.partition("Index Cond")[2].partition("\n")[0], plan
    read = [int(rows) for rows in re.findall(r"actual rows=(\d+)", plan)]
    assert max(read) <= SIZE + 1, plan
    assert "Rows Removed" not in plan, plan
    first = ROWS - DEEP if backward else DEEP + 1
    step = -1 if backward else 1
    assert names == [f"Customer {first + step * n}" for n in range(SIZE + 1)]
