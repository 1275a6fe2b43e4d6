"""The calendar at its secret address: for calendar programs, without signing in (F8)."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest

from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("F8")
MAKE = "mutation { makeCalendarAddress { url userErrors { code } } }"
END = "mutation { endCalendarAddress(input: {}) { record { id calendarSince } userErrors { code } } }"


@pytest.fixture
async def nancy(databases, company):
    return await make_member(databases, company, "REPRESENTATIVE", name="Nancy Davolio")


@pytest.fixture
async def ask(databases, gateway, nancy):
    return gateway.client(bearer=await make_key(databases, nancy, key=gateway.services.identity.key))


async def path_of(ask):
    url = (await ask(MAKE)).data["makeCalendarAddress"]["url"]
    return "/" + url.split("/", 3)[3]


async def test_a_program_reads_it_and_is_told_when_nothing_has_changed(
    databases, company, nancy, ask, browser
):
    factory = Factory(databases, company)
    customer = await factory.one("customer", name="阿尔弗雷德食品有限公司 " * 5, owner_id=nancy.id)
    plan = await factory.one(
        "follow_up_plan", customer_id=customer, owner_id=nancy.id, due_on=datetime.now(UTC).date(), way="CALL"
    )
    path = await path_of(ask)
    answer = await browser.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert max(len(line) for line in answer.content.split(b"\r\n")) <= 75
    (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["SUMMARY"]).startswith("Call: 阿尔弗雷德食品有限公司")
    tag = answer.headers["etag"]
    again = await browser.http.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    weak = await browser.http.get(path, headers={"if-none-match": f'"x", W/{tag}'})
    assert weak.status_code == 304
    await factory.update("follow_up_plan", plan, due_on=date.today() + timedelta(days=1))  # noqa: DTZ011 - any other day
    changed = await browser.http.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_an_address_that_was_ended_or_never_was_is_not_found(databases, company, nancy, ask, browser):
    first = await path_of(ask)
    assert (await browser.http.get(first)).status_code == 200
    second = await path_of(ask)
    assert (await browser.http.get(first)).status_code == 404
    ended = (await ask(END)).data["endCalendarAddress"]
    assert ended["record"] == {"id": f"mem_{nancy.id.hex}", "calendarSince": None}
    answers = [
        await browser.http.get(path)
        for path in (
            second,
            second.replace(".ics", "a.ics"),
            "/calendar/x.ics",
            f"/calendar/{'a' * 13}.{'a' * 32}.ics",
        )
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}
    third = await path_of(ask)
    factory = Factory(databases, company)
    await factory.update("member", nancy.id, state="SUSPENDED")
    assert (await browser.http.get(third)).status_code == 404
