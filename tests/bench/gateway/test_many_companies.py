"""A thousand companies asked in turns beside one: what changing from company to company costs, and what backends keep."""

import time

import pytest

from tests.bench.gateway.archive import department_with_customers
from tests.bench.gateway.companies import companies_like
from tests.bench.gateway.questions import questions
from tests.bench.gateway.reporting import header, in_turns, row, verdict
from tests.bench.gateway.test_beside_postgraphile import ask, body_of
from tests.bench.gateway.wrk import Asked, children, private_memory

pytestmark = [pytest.mark.bench, pytest.mark.gateway_bench]
COMPANIES = 1_000


def backend_memory(wrk) -> list[float]:
    """Megabytes that each process of PostgreSQL has for itself, the largest first."""
    return sorted((private_memory(pid) / 2**20 for pid in children(wrk.postmaster)), reverse=True)


async def test_a_thousand_companies(databases, company, start_python, wrk):
    archive = await department_with_customers(databases, company)
    began = time.perf_counter()
    bearers = await companies_like(databases, archive.asker, count=COMPANIES)
    built = time.perf_counter() - began
    # These companies have the tables that are read, not those where figures of operations are written down.
    server = start_python("kedang_graphql", KEDANG_MEASURING_INTERVAL="86400")
    question = questions(None)[0]
    (answer,) = {str(ask(server, bearer, question.ours, question.variables)) for bearer in bearers[::100]}
    assert answer.count("cus_") == 100

    body = body_of(question.ours, question.variables)
    one = Asked(server.port, server.pid, [(body, bearers[0])])
    many = Asked(server.port, server.pid, [(body, bearer) for bearer in bearers])
    wrk.run(one, seconds=2, connections=8)
    before = backend_memory(wrk)
    wrk.run(many, seconds=20, connections=8)  # every backend comes to every company
    # Long turns: a round through all of them has to be shorter than what is remembered of a viewer lives (5 s).
    found = in_turns(wrk, {"one": one, "many": many}, rounds=2, seconds=15)
    o, m = found["one"], found["many"]
    lines = header(
        "work", "p50 ms, 1,000 companies / one", "ratio", "p99 ms", "CPU ms a request, server + database"
    )
    lines.append(
        row(
            "list 100",
            f"{m.p50:.2f} / {o.p50:.2f}",
            verdict(m.p50 / o.p50, 1.5),
            f"{m.p99:.2f} / {o.p99:.2f}",
            f"{m.server_cpu:.2f} + {m.database_cpu:.2f} / {o.server_cpu:.2f} + {o.database_cpu:.2f}",
        )
    )
    print(f"\n\n{COMPANIES} companies made in {built:.0f} s\n")
    print("\n".join(lines))
    shown = ", ".join(f"{megabytes:.0f}" for megabytes in backend_memory(wrk)[:4])
    print(f"\nmemory of their own of the four largest backends: {shown} MB (before: {max(before):.0f} MB)")
