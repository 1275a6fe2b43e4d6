"""The floor: one Starlette handler, hand-written SQL, columns, orjson - and no GraphQL, rights or masks."""

from collections import defaultdict
from contextlib import asynccontextmanager

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.servers.common import bench_company, open_databases, run

CUSTOMERS = """
SELECT c.id, c.number, c.name, c.city, c.state, m.id, m.name FROM customer c
LEFT JOIN member m ON m.id = c.owner_id
WHERE c.archived_at IS NULL ORDER BY c.name_sort, c.id LIMIT $1
"""
CONTACTS = """
SELECT p.id, page.name, page.phone FROM unnest($1::uuid[]) AS p(id) CROSS JOIN LATERAL (
  SELECT c.name, c.phone FROM contact c WHERE c.customer_id = p.id AND c.archived_at IS NULL
  ORDER BY c.name_sort, c.id LIMIT $2
) page
"""
COMPANY = bench_company()


async def customers(request: Request) -> Response:
    asked = orjson.loads(await request.body())
    async with request.app.state.databases.tenant_read(COMPANY) as tx:
        rows = await tx.fetch(CUSTOMERS, asked["first"])
        contacts = defaultdict(list)
        for parent, name, phone in await tx.fetch(CONTACTS, [row[0] for row in rows], 51):
            contacts[parent].append({"name": name, "phone": phone})
        nodes = [
            {
                "id": "cus_" + r[0].hex,
                "number": r[1],
                "name": r[2],
                "city": r[3],
                "state": r[4],
                "owner": None if r[5] is None else {"name": r[6]},
                "contacts": {"nodes": contacts[r[0]]},
            }
            for r in rows
        ]
        body = orjson.dumps({"data": {"customers": {"nodes": nodes}}})
    return Response(body, media_type="application/json")


@asynccontextmanager
async def lifespan(app):
    app.state.databases = await open_databases()
    yield
    await app.state.databases.close()


if __name__ == "__main__":
    run(Starlette(routes=[Route("/graphql", customers, methods=["POST"])], lifespan=lifespan))
