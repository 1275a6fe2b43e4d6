"""A change over HTTP beside the same statements from a raw handler: one customer, its audit row, its job."""

import orjson
import pytest

from tests.bench.gateway.archive import department_with_customers
from tests.bench.gateway.reporting import header, in_turns, row, verdict
from tests.bench.gateway.wrk import Asked
from tests.bench.load import Target, once, post
from tests.support.database import SECRET
from tests.support.members import make_key

pytestmark = [pytest.mark.bench, pytest.mark.gateway_bench]

CREATE = """
mutation ($name: String!, $city: String!, $phone: String!) {
  createCustomer(input: {name: $name, city: $city, phone: $phone}) { record { id name } userErrors { code } }
}"""
GIVEN = {"name": "Trading 北京 Company", "city": "Lyon", "phone": "030-0074321"}
_OWN = {"id", "created_at", "updated_at", "at", "transaction", "record_id", "sequence", "key", "payload"}


async def written(databases, company):
    """The rows that the last change left, without what is each change's own."""
    async with databases.tenant_read(company.ref) as read:
        customer = await read.fetchrow("SELECT * FROM customer ORDER BY created_at DESC LIMIT 1")
        audit = await read.fetchrow("SELECT * FROM audit WHERE record_id = $1", customer["id"])
    async with databases.control_read() as read:
        jobs = await read.fetch("SELECT * FROM work.job WHERE key LIKE '%' || $1", audit["transaction"].hex)
    assert orjson.loads(jobs[0]["payload"]) == {"transaction": audit["transaction"].hex}
    changes = orjson.loads(audit["changes"])
    return [
        {name: value for name, value in dict(found).items() if name not in _OWN}
        for found in (customer, {**audit, "changes": changes}, *jobs)
    ]


async def test_one_customer(databases, company, start_python, wrk):
    archive = await department_with_customers(databases, company)
    bearer = await make_key(databases, archive.asker, key=SECRET)
    ours = start_python("kedang_graphql")
    raw = start_python(
        "tests.bench.servers.raw_change",
        BENCH_MEMBER=str(archive.asker.id),
        BENCH_MEMBERS=",".join(map(str, archive.members)),
    )
    bodies = {
        "kedang": (ours, orjson.dumps({"query": CREATE, "variables": GIVEN})),
        "raw": (raw, orjson.dumps(GIVEN)),
    }
    rows = []
    for server, body in bodies.values():
        request = post(server.port, "/graphql", body, Authorization=f"Bearer {bearer}")
        answer = orjson.loads(once(Target("", server.port, request)))["data"]["createCustomer"]
        assert answer["record"]["name"] == GIVEN["name"]
        assert answer["userErrors"] == []
        rows.append(await written(databases, company))
    assert rows[0] == rows[1]

    found = in_turns(
        wrk,
        {name: Asked(server.port, server.pid, [(body, bearer)]) for name, (server, body) in bodies.items()},
    )
    k, r = found["kedang"], found["raw"]
    lines = header("work", "p50 ms, Kedang / raw", "ratio", "p99 ms", "CPU ms a request, server + database")
    lines.append(
        row(
            "one customer, audit, job",
            f"{k.p50:.2f} / {r.p50:.2f}",
            verdict(k.p50 / r.p50, 1.5),
            f"{k.p99:.2f} / {r.p99:.2f}",
            f"{k.server_cpu:.2f} + {k.database_cpu:.2f} / {r.server_cpu:.2f} + {r.database_cpu:.2f}",
        )
    )
    print("\n\n" + "\n".join(lines))
