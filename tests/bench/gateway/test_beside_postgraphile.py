"""The gateway beside PostGraphile 5: the same work on the same database, asked by wrk in turns."""

from uuid import UUID

import orjson
import pytest

from tests.bench.gateway.archive import department_with_customers
from tests.bench.gateway.questions import ours_of, questions
from tests.bench.gateway.reporting import header, in_turns, row, verdict
from tests.bench.gateway.wrk import Asked
from tests.bench.load import Target, once, post
from tests.support.database import SECRET
from tests.support.members import make_key

pytestmark = [pytest.mark.bench, pytest.mark.gateway_bench]
FIRST = "{ customers(first: 1, orderBy: [{field: NAME}]) { nodes { id } } }"


def ask(server, bearer, query, variables=None):
    """The data of one answer; its variables may be UUIDs."""
    body = orjson.dumps({"query": query, "variables": variables or {}})
    answer = orjson.loads(
        once(Target("", server.port, post(server.port, "/graphql", body, Authorization=f"Bearer {bearer}")))
    )
    assert "errors" not in answer, answer
    return answer["data"]


async def test_beside_postgraphile(databases, company, start_python, start_postgraphile, wrk):
    archive = await department_with_customers(databases, company)
    bearer = await make_key(databases, archive.asker, key=SECRET)
    ours = start_python("kedang_graphql")
    theirs = start_postgraphile(bearer, list(map(str, archive.members)))
    first = ask(ours, bearer, FIRST)["customers"]["nodes"][0]["id"]

    latency = header("work", "p50 ms", "ratio", "p99 ms", "ratio", "CPU ms a request, server + database")
    throughput = header("work, 8 connections", "requests a second", "ratio")
    for question in questions(UUID(first.partition("_")[2])):
        variables = dict(question.variables)
        mine = variables | ({"id": first} if "id" in variables else {})
        answer = ours_of(question, ask(ours, bearer, question.ours, mine))
        assert answer
        assert answer == question.answer(ask(theirs, bearer, question.theirs, variables))

        asked = {
            "kedang": Asked(ours.port, ours.pid, [(body_of(question.ours, mine), bearer)]),
            "postgraphile": Asked(theirs.port, theirs.pid, [(body_of(question.theirs, variables), bearer)]),
        }
        found = in_turns(wrk, asked)
        k, p = found["kedang"], found["postgraphile"]
        latency.append(
            row(
                question.name,
                f"{k.p50:.2f} / {p.p50:.2f}",
                verdict(k.p50 / p.p50, question.wanted),
                f"{k.p99:.2f} / {p.p99:.2f}",
                verdict(k.p99 / p.p99, 1.0),
                f"{k.server_cpu:.2f} + {k.database_cpu:.2f} / {p.server_cpu:.2f} + {p.database_cpu:.2f}",
            )
        )
        if question.list:
            found = in_turns(wrk, asked, connections=8)
            k, p = found["kedang"].throughput, found["postgraphile"].throughput
            said = f"{k / p:.2f} × (≥ 1.5)"
            throughput.append(
                row(question.name, f"{k:.0f} / {p:.0f}", said if k / p >= 1.5 else f"**{said}**")
            )
    print("\n\nKedang / PostGraphile\n")
    print("\n".join([*latency, "", *throughput]))


def body_of(query: str, variables: object) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})
