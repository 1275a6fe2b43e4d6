"""The floor of writing: the statements of ``createCustomer`` by hand, with no GraphQL, rights, rules or hooks.

What the rows hold (tokens of the search, people's order, the number's digits) is worked out by the product's own functions.
"""

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kedang_platform.ids import new_id
from kedang_platform.phones import read_phone
from kedang_platform.search_text import name_sort, normal_form, tokens
from tests.bench.servers.common import bench_company, open_databases, run

COMPANY = bench_company()
ASKER = UUID(os.environ["BENCH_MEMBER"])
MEMBERS = [UUID(text) for text in os.environ["BENCH_MEMBERS"].split(",")]
ZONE = ZoneInfo("Asia/Shanghai")

CUSTOMER = """
INSERT INTO customer (name, directory, roles, state, direct, owner_id, city, phone, phone_e164, phone_reversed, id,
    version, created_at, updated_at, custom, name_sort, search_text, search_tokens, assigned_on)
VALUES ($1, 'COMPANY', '{}', 'PROSPECTIVE', true, $2, $3, $4, $5, $6, $7, 1, $8, $8, '{}', $9, $10, $11, $12)
"""
AUDIT = """
INSERT INTO audit (at, transaction, actor_id, via, action, record, record_id, changes)
VALUES ($1, $2, $3, 'api_key', 'customer.created', 'customer', $4, $5) RETURNING sequence
"""
JOB = """
INSERT INTO work.job (id, company, tenant, kind, key, priority, due_at, payload)
VALUES ($1, $2, $3, 'events.fan_out', $4, 0, '-infinity', $5)
ON CONFLICT (tenant, key) WHERE key IS NOT NULL DO NOTHING RETURNING id
"""
SHOWN = "SELECT id, name FROM customer WHERE id = ANY($1::uuid[]) AND owner_id = ANY($2::uuid[])"


async def create(request: Request) -> Response:
    asked = orjson.loads(await request.body())
    name, city, phone = asked["name"], asked["city"], asked["phone"]
    customer, now = new_id(), datetime.now(UTC)
    number, text, today = read_phone(phone, "CN"), normal_form(name), now.astimezone(ZONE).date()
    changes = {
        "name": [None, name],
        "directory": [None, "COMPANY"],
        "roles": [None, []],
        "state": [None, "PROSPECTIVE"],
        "direct": [None, True],
        "owner_id": [None, ASKER.hex],
        "city": [None, city],
        "phone": [None, phone],
        "custom": [None, {}],
        "assigned_on": [None, today.isoformat()],
    }
    async with request.app.state.databases.tenant_write(COMPANY) as tx:
        await tx.fetch(
            CUSTOMER,
            name,
            ASKER,
            city,
            phone,
            number and number.e164,
            number and number.digits_reversed,
            customer,
            now,
            name_sort(name),
            text,
            tokens(text),
            today,
        )
        transaction = tx.transaction_id
        await tx.fetchval(AUDIT, now, transaction, ASKER, customer, orjson.dumps(changes).decode())
        payload = orjson.dumps({"transaction": transaction.hex}).decode()
        key = f"events.fan_out:{transaction.hex}"
        await tx.fetch(JOB, new_id(), COMPANY.id, COMPANY.schema, key, payload)
        (row,) = await tx.fetch(SHOWN, [customer], MEMBERS)
    record = {"id": "cus_" + row[0].hex, "name": row[1]}
    answer = {"data": {"createCustomer": {"record": record, "userErrors": []}}}
    return Response(orjson.dumps(answer), media_type="application/json")


@asynccontextmanager
async def lifespan(app):
    app.state.databases = await open_databases()
    yield
    await app.state.databases.close()


if __name__ == "__main__":
    run(Starlette(routes=[Route("/graphql", create, methods=["POST"])], lifespan=lifespan))
