"""A mail server that refuses, falls silent, drips, or answers by halves: nobody is forgotten, hardly anybody hears twice."""

import pytest

from tests.faults.sink import GOOD, MANNERS
from tests.faults.surveying import invite, people, questionnaire

pytestmark = [pytest.mark.faults, pytest.mark.requirement("V3")]


async def test_a_mail_server_with_bad_manners(house):
    asked = await questionnaire(house)
    contacts = []
    for domain in (*MANNERS, GOOD):
        contacts += await people(house, house.form.unruly, domain=domain)
    house.chance.shuffle(contacts)
    await invite(house, asked, contacts)
    await house.holds("SELECT count(*) > 0 FROM platform.mail WHERE state IN ('queued', 'sending')")
    took = await house.settled(seconds=90 + 40 * house.form.unruly)
    house.notes.append(
        f"mail server with bad manners: {len(contacts)} mails, {house.form.unruly} of each kind, settled after {took:.1f} s"
    )
    states = await house.fetch(
        "SELECT split_part(recipient, '@', 2) AS domain, array_agg(DISTINCT state) AS states,"
        " max(attempts) AS attempts FROM platform.mail WHERE recipient LIKE '%.example'"
        " AND split_part(recipient, '@', 2) = ANY($1) GROUP BY 1",
        list(MANNERS),
    )
    told = {row["domain"]: (sorted(row["states"]), row["attempts"]) for row in states}
    refused = (["rejected"], 1)
    assert told == {
        domain: refused if domain in {"closed.example", "refusing.example"} else (["sent"], tries)
        for domain in MANNERS
        for tries in [1 if domain == "drip.example" else 2]
    }
