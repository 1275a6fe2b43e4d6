"""Whoever has to wait keeps nobody else waiting: a mail server with bad manners, a company with very much to do."""

import pytest

from kedang_platform.work import NewJob, enqueue
from tests.faults.forms import SMALL_COMPANIES
from tests.faults.sink import GOOD, MANNERS, REFUSED
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1")]

JUDGED_TOGETHER = True
KIND = "changing.seal"
_AT_ONCE = 1_000
_SOON_SECONDS = 10.0
_STATES = """
SELECT split_part(recipient, '@', 2) AS domain, array_agg(DISTINCT state) AS states, max(attempts) AS attempts
FROM platform.mail WHERE split_part(recipient, '@', 2) = ANY($1) GROUP BY 1"""


@pytest.mark.requirement("V3")
async def test_a_mail_server_with_bad_manners_holds_up_mails_alone(house):
    asked = await questionnaire(house)
    contacts = []
    for domain in (*MANNERS, GOOD):
        contacts += await people(house, house.form.unruly, domain=domain)
    house.chance.shuffle(contacts)
    await invite(house, asked, contacts)
    await house.holds("SELECT count(*) > 0 FROM platform.mail WHERE state = 'sending'")
    async with house.databases.tenant_write(house.big_company.ref) as write:
        ids = await enqueue(write, NewJob(KIND))
    took = await house.holds(_all_done(ids), seconds=_SOON_SECONDS)
    house.notes.append(f"other work beside a mail server with bad manners: done after {took:.2f} s")


async def test_a_company_with_very_many_jobs_beside_twenty_small_ones(house):
    big = house.big_company.ref
    for _ in range(0, house.form.backlog, _AT_ONCE):
        async with house.databases.tenant_write(big) as write:
            await enqueue(write, *(NewJob(KIND) for _ in range(_AT_ONCE)))
    since = await house.value("SELECT clock_timestamp()")
    ids = []
    for company in house.small_companies:
        async with house.databases.tenant_write(company.ref) as write:
            ids += await enqueue(write, NewJob(KIND))
    assert len(ids) == SMALL_COMPANIES
    await house.holds(_all_done(ids), seconds=_SOON_SECONDS)
    waiting = "SELECT count(*) FROM work.job WHERE tenant = $1 AND state = 'waiting'"
    left = await house.value(waiting, big.schema)
    slowest = await house.value("SELECT max(finished_at) - $2 FROM work.job WHERE id = ANY($1)", ids, since)
    took = await house.holds(
        f"SELECT ({waiting.replace('$1', f'{big.schema!r}')}) = 0", seconds=60 + house.form.backlog / 50
    )
    house.notes.append(
        f"a company with {house.form.backlog} jobs: twenty small ones served within {slowest.total_seconds():.2f} s,"
        f" {left} of the big one's left then; all handed out after {took:.0f} s"
    )
    assert left > house.form.backlog / 2


@pytest.mark.requirement("V3")
async def test_every_mail_comes_to_its_end(house):
    """Refused for good: tried once; else taken, at the second try where the first was met with bad manners.

    A domain whose recipients are refused for now is left alone for a while, so what else goes there is put off.
    """
    took = await house.settled(seconds=60 + 40 * house.form.unruly)
    house.notes.append(
        f"{house.form.unruly} mails of each of {len(MANNERS)} manners: settled {took:.1f} s later"
    )
    found = await house.fetch(_STATES, list(MANNERS))
    told = {row["domain"]: (sorted(row["states"]), row["attempts"]) for row in found}
    states, attempts = told["busy.example"]
    told["busy.example"] = (states, min(attempts, 2))
    once = {"drip.example", *REFUSED}
    assert told == {
        domain: (["rejected" if domain in REFUSED else "sent"], 1 if domain in once else 2)
        for domain in MANNERS
    }


async def test_nothing_is_lost_or_left_over(house):
    await house.acquit()


def _all_done(ids) -> str:
    listed = ", ".join(f"'{each}'" for each in ids)
    return f"SELECT bool_and(state = 'done') FROM work.job WHERE id IN ({listed})"
