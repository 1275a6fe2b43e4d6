"""What the wall, row scope and masks cost: the gateway beside itself without them."""

import asyncpg
import orjson
import pytest

from tests.bench.gateway.archive import representative_with_customers
from tests.bench.gateway.questions import ours_of, questions
from tests.bench.gateway.reporting import header, in_turns, row
from tests.bench.gateway.test_beside_postgraphile import FIRST, ask
from tests.bench.gateway.wrk import Asked
from tests.support.database import SECRET
from tests.support.members import make_key

pytestmark = [pytest.mark.bench, pytest.mark.gateway_bench]


@pytest.fixture
async def bare_database(database_superuser_url, databases, company):
    """The address of a login that reads this one company's tables, and nothing else."""
    schema, name = company.ref.schema, f"{databases.settings.role_prefix}_bare"
    connection = await asyncpg.connect(database_superuser_url)
    await connection.execute(f"""
        CREATE ROLE {name} LOGIN NOINHERIT PASSWORD 'bare';
        ALTER ROLE {name} SET search_path = "{schema}";
        GRANT CONNECT ON DATABASE "{database_superuser_url.rpartition("/")[2]}" TO {name};
        GRANT USAGE ON SCHEMA "{schema}" TO {name};
        GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {name}
    """)
    scheme, _, rest = database_superuser_url.partition("://")
    yield f"{scheme}://{name}:bare@{rest.rpartition('@')[2]}"
    await connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
    await connection.close()


async def test_what_the_wall_costs(databases, company, bare_database, start_python, wrk):
    archive = await representative_with_customers(databases, company)
    bearer = await make_key(databases, archive.asker, key=SECRET)
    walled = start_python("kedang_graphql")
    bare = start_python("tests.bench.servers.bare", BENCH_DATABASE=bare_database)
    first = ask(walled, bearer, FIRST)["customers"]["nodes"][0]["id"]

    rows = header(
        "work", "p50 ms, walled / bare", "the wall costs", "wanted", "CPU ms a request, server + database"
    )
    for question in questions(None):
        variables = {name: first if name == "id" else value for name, value in question.variables.items()}
        assert ours_of(question, ask(walled, bearer, question.ours, variables)) == ours_of(
            question, ask(bare, bearer, question.ours, variables)
        )
        body = orjson.dumps({"query": question.ours, "variables": variables})
        found = in_turns(
            wrk,
            {
                "walled": Asked(walled.port, walled.pid, [(body, bearer)]),
                "bare": Asked(bare.port, bare.pid, [(body, bearer)]),
            },
        )
        w, b = found["walled"], found["bare"]
        more, share = w.p50 - b.p50, w.p50 / b.p50 - 1
        thin = question.name in {"thin 100", "single node", "filtered, counted page"}
        reached = more <= 0.3 if thin else share <= 0.2
        said = f"{more:+.2f} ms, {share:+.0%}"
        rows.append(
            row(
                question.name,
                f"{w.p50:.2f} / {b.p50:.2f}",
                said if reached else f"**{said}**",
                "≤ 0.3 ms" if thin else "≤ 20 %",
                f"{w.server_cpu:.2f} + {w.database_cpu:.2f} / {b.server_cpu:.2f} + {b.database_cpu:.2f}",
            )
        )
    print("\n\nKedang / the same without wall, scope and masks\n")
    print("\n".join(rows))
