"""wrk, and the servers that the gateway is measured beside."""

import sys
from pathlib import Path

import asyncpg
import pytest

from tests.bench.gateway.wrk import Wrk, parent_of

POOL = "4"
NODE_SERVER = Path(__file__).parents[1] / "postgraphile"


@pytest.fixture
async def wrk(tmp_path, database_superuser_url) -> Wrk:
    connection = await asyncpg.connect(database_superuser_url)
    try:
        postmaster = parent_of(await connection.fetchval("SELECT pg_backend_pid()"))
    finally:
        await connection.close()
    return Wrk(tmp_path, postmaster)


@pytest.fixture
def start_python(start):
    """Start a module as a server with as many backends as everybody here and pages of 1,000."""
    return lambda module, **own: start(
        sys.executable, "-m", module, KEDANG_POOL_SIZE=POOL, KEDANG_LARGEST_PAGE="1000", **own
    )


@pytest.fixture
def start_postgraphile(start, databases, company):
    """Start PostGraphile on this company, for one bearer who sees the customers of these members."""

    def begin(bearer: str, members: list[str]):
        return start(
            str(NODE_SERVER / "node_modules/.bin/node"),
            str(NODE_SERVER / "server.mjs"),
            NODE_ENV="production",
            GRAPHILE_ENV="production",
            BENCH_DATABASE=databases._urls["main"].app,
            BENCH_ROLE=company.ref.schema,
            BENCH_POOL=POOL,
            BENCH_BEARER=bearer,
            BENCH_MEMBERS=",".join(members),
        )

    return begin
