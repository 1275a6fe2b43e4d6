"""The log of the PostgreSQL that we start: it tells how the server is, and nothing out of statements."""

import os
from pathlib import Path

import asyncpg
import pytest

pytestmark = [
    pytest.mark.requirement("O3"),
    pytest.mark.skipif(
        "KEDANG_TEST_DATABASE_URL" in os.environ, reason="what another's server logs is not ours"
    ),
]

CANARY = "Zitronenfalter"


def log_of(process):
    """Reads what the process has written to standard error so far."""
    return Path(f"/proc/{process}/fd/2").resolve().read_text


async def test_a_refused_statement_leaves_no_value_in_the_log(database_superuser_url):
    connection = await asyncpg.connect(database_superuser_url)
    try:
        server = (await connection.fetchval("SELECT pg_read_file('postmaster.pid')")).split()[0]
        said = log_of(server)
        before = len(said())
        await connection.execute("CREATE TEMP TABLE taken (name text UNIQUE CHECK (name <> 'x'))")
        await connection.execute("INSERT INTO taken VALUES ($1)", CANARY)
        for statement in (
            "INSERT INTO taken VALUES ($1)",
            "SELECT $1::text::int",
            f"SELECT '{CANARY}', $1::text FROM nowhere",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(statement, CANARY)
    finally:
        await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database_superuser_url, password="wrong", timeout=20)
    lines = said()[before:]
    assert CANARY not in lines
    assert "FATAL:  password authentication failed" in lines
