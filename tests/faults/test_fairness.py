"""A company with very much to do beside twenty with little: nobody waits for it."""

import pytest

from kedang_platform.work import NewJob, enqueue
from tests.faults.forms import SMALL_COMPANIES

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1")]

KIND = "changing.seal"
_AT_ONCE = 1_000


async def test_a_company_with_very_many_jobs_beside_twenty_small_ones(house):
    await house.settled()
    for _ in range(0, house.form.backlog, _AT_ONCE):
        async with house.databases.tenant_write(house.big_company.ref) as write:
            await enqueue(write, *(NewJob(KIND) for _ in range(_AT_ONCE)))
    since = await house.value("SELECT clock_timestamp()")
    ids = []
    for company in house.small_companies:
        async with house.databases.tenant_write(company.ref) as write:
            ids += await enqueue(write, NewJob(KIND))
    assert len(ids) == SMALL_COMPANIES
    await house.holds(_all_done(ids))
    left = await house.value(
        "SELECT count(*) FROM work.job WHERE tenant = $1 AND state = 'waiting'", house.big_company.ref.schema
    )
    slowest = await house.value("SELECT max(finished_at) - $2 FROM work.job WHERE id = ANY($1)", ids, since)
    took = await house.settled(seconds=60 + house.form.backlog / 50)
    house.notes.append(
        f"a company with {house.form.backlog} jobs: twenty small ones served within {slowest.total_seconds():.2f} s,"
        f" {left} of the big one's left then; all done after {took:.0f} s"
    )
    assert left > house.form.backlog / 2


def _all_done(ids) -> str:
    listed = ", ".join(f"'{each}'" for each in ids)
    return f"SELECT bool_and(state = 'done') FROM work.job WHERE id IN ({listed})"
