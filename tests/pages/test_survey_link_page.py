"""A link that everybody gets: opened from a counter or a leaflet, answered unnamed and once a browser (V3, V4)."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import httpx
import pytest

from kedang_graphql.pages import surveys
from kedang_platform.identity.throttle import Limit
from tests.support.answering import PUNCTUAL, RECOMMEND, ask
from tests.support.digests import digests

ANSWERS = {f"a{PUNCTUAL}": "FAIRLY_SATISFIED", f"a{RECOMMEND}": "9"}


@pytest.fixture
async def asked(databases, company):
    return await ask(databases, company)


@pytest.fixture
async def browser(gateway):
    """Makes browsers, each with cookies of its own, that send forms of our own pages only."""
    opened = []

    def make(**more):
        headers = {"origin": gateway.url, "sec-fetch-site": "same-origin"}
        client = httpx.AsyncClient(base_url=gateway.url, headers=headers, follow_redirects=True, **more)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


async def invitations(asked):
    return await asked.rows("SELECT * FROM survey_invitation ORDER BY id")


async def answers(asked):
    return await asked.rows("SELECT * FROM survey_answer ORDER BY id")


def action(page):
    return re.search(r'action="([^"]+)"', page.text)[1].replace("&amp;", "&")


@pytest.mark.requirement("V3", "V4")
async def test_whoever_opens_it_answers_unnamed_and_can_change_it_from_the_same_browser(asked, browser):
    link_id, path = await asked.link()
    phone = browser()
    page = await phone.get(path, params={"lang": "zh-CN"})
    assert page.status_code == 200
    assert "服务满意度调查" in page.text
    assert await invitations(asked) == []
    sent = await phone.post(action(page), data={"do": "send", **ANSWERS})
    assert sent.status_code == 200
    (invited,) = await invitations(asked)
    told = {name: invited[name] for name in ("customer_id", "contact_id", "recipient", "link_id")}
    assert told == {"customer_id": None, "contact_id": None, "recipient": None, "link_id": link_id}
    assert (invited["channel"], invited["state"], invited["language"]) == ("LINK", "ANSWERED", "ZH_CN")
    (answer,) = await answers(asked)
    assert (answer["state"], answer["customer_id"], answer["nps"]) == ("SUBMITTED", None, 9)
    again = await phone.get(path, params={"change": "1"})
    await phone.post(action(again), data={"do": "send", **ANSWERS, f"a{RECOMMEND}": "3"})
    assert [(row["id"], row["nps"]) for row in await answers(asked)] == [(answer["id"], 3)]
    assert len(await invitations(asked)) == 1


@pytest.mark.requirement("V3", "V4")
async def test_each_browser_answers_once_also_when_its_form_is_sent_twice_at_the_same_moment(asked, browser):
    _, path = await asked.link()
    first, second = browser(), browser()
    for phone in (first, second):
        page = await phone.get(path)
        where = action(page)
        await asyncio.gather(*(phone.post(where, data={"do": "send", **ANSWERS}) for _ in range(3)))
    assert len(await invitations(asked)) == len(await answers(asked)) == 2


@pytest.mark.requirement("V3", "V4")
async def test_a_browser_without_cookies_is_told_apart_by_the_address_of_its_form(asked, browser):
    _, path = await asked.link()
    phone = browser()
    page = await phone.get(path)
    phone.cookies.clear()
    saved = await phone.post(action(page), data={"do": "save", f"a{RECOMMEND}": "9"}, follow_redirects=False)
    phone.cookies.clear()
    page = await phone.get(saved.headers["location"])
    assert re.search(r'name="a3" value="9"[^>]* checked', page.text)
    phone.cookies.clear()
    await phone.post(action(page), data={"do": "send", **ANSWERS})
    ((invited,), (answer,)) = await invitations(asked), await answers(asked)
    assert (invited["state"], answer["state"]) == ("ANSWERED", "SUBMITTED")


@pytest.mark.requirement("V3", "V4")
@pytest.mark.parametrize("site", ["cross-site", "none", "same-site"])
@pytest.mark.parametrize("begun", [False, True])
async def test_nobody_can_read_along_by_passing_on_a_link_with_a_key_of_their_own(
    asked, browser, site, begun
):
    _, path = await asked.link()
    spy, victim = browser(), browser()
    await spy.get(path)
    key = spy.cookies["survey"]
    if begun:
        await spy.post(path, data={"do": "save", f"a{RECOMMEND}": "1"})
    page = await victim.get(path, params={"k": key}, headers={"sec-fetch-site": site})
    assert key not in page.text
    assert key not in victim.cookies.get("survey", "")
    await victim.post(action(page), data={"do": "send", **ANSWERS})
    seen = await spy.get(path, params={"change": "1"})
    assert not re.search(r'name="a3" value="9"[^>]* checked', seen.text)
    assert [row["nps"] for row in await answers(asked) if row["state"] == "SUBMITTED"] == [9]


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("how", ["revoked", "expired", "put to rest"])
async def test_a_link_that_has_ended_says_so_and_takes_nothing(asked, browser, how, databases, company):
    now = datetime.now(UTC)
    ended = {"expires_at": now - timedelta(minutes=1)} if how == "expired" else {}
    link_id, path = await asked.link(**ended)
    phone = browser()
    begun = None if how == "expired" else action(await phone.get(path))
    if how == "revoked":
        await asked.factory.update("survey_link", link_id, revoked_at=now)
    if how == "put to rest":
        await asked.factory.update("questionnaire", asked.questionnaire_id, active=False)
    before = await digests(databases, company.ref)
    page = await phone.get(path)
    assert page.status_code == 410
    assert "This survey is closed" in page.text
    sent = await phone.post(begun or path, data={"do": "send", **ANSWERS})
    assert sent.status_code == 410
    kept = await phone.post(begun or path, data={"do": "keep", **ANSWERS})
    assert kept.status_code == 410
    assert await digests(databases, company.ref) == before


@pytest.mark.requirement("V3")
async def test_what_is_refused_or_says_nothing_begins_nothing(asked, browser):
    _, path = await asked.link()
    phone = browser()
    where = action(await phone.get(path))
    refused = await phone.post(where, data={"do": "send", f"a{RECOMMEND}": "11"})
    assert refused.status_code == 422
    turned = await phone.post(where, data={"do": "zh-CN"})
    assert "服务满意度调查" in turned.text
    assert await invitations(asked) == []


@pytest.mark.requirement("V3", "T7")
async def test_one_address_begins_only_so_many_answers_an_hour(asked, browser, monkeypatch):
    limit = Limit("survey_begun", 2, timedelta(hours=1), by_network=True)
    monkeypatch.setattr(surveys, "BEGUN_FROM_ADDRESS", limit)
    _, path = await asked.link()
    told = []
    for _ in range(3):
        phone = browser()
        page = await phone.get(path)
        told.append((await phone.post(action(page), data={"do": "send", **ANSWERS})).status_code)
    assert told == [200, 200, 429]
    assert len(await answers(asked)) == 2
    # Whoever has begun goes on.
    kept = await phone.post(path, data={"do": "send", **ANSWERS})
    assert kept.status_code == 429


@pytest.mark.requirement("V3")
async def test_its_qr_code_leads_to_it_as_svg_and_png(asked, browser):
    import segno

    _, path = await asked.link()
    phone = browser()
    address = f"{surveys_base(phone)}{path}"
    svg = await phone.get(f"{path}/qr.svg")
    png = await phone.get(f"{path}/qr.png")
    expected = {}
    for kind in ("svg", "png"):
        made = BytesIO()
        segno.make(address, error="m", micro=False).save(made, kind=kind, scale=10, border=4)
        expected[kind] = made.getvalue()
    assert (svg.headers["content-type"], png.headers["content-type"]) == ("image/svg+xml", "image/png")
    assert svg.content.split(b"<path")[1:] == expected["svg"].split(b"<path")[1:]
    assert png.content == expected["png"]
    assert await invitations(asked) == []
    for wrong in (f"{path}/qr.gif", f"{path[:-1]}{'a' if path[-1] != 'a' else 'b'}/qr.svg"):
        assert (await phone.get(wrong)).status_code == 404


def surveys_base(client):
    return str(client.base_url).rstrip("/")


@pytest.mark.requirement("V3", "V6")
async def test_an_invitation_opens_by_its_own_token_and_the_two_do_not_mix(asked, browser):
    _, path = await asked.link()
    invited = await asked.invite()
    phone = browser()
    await phone.get(path)
    page = await phone.get(invited.path)
    assert "k=" not in action(page)
    await phone.post(action(page), data={"do": "send", **ANSWERS})
    assert (await asked.answer_to(invited))["state"] == "SUBMITTED"
    assert len(await invitations(asked)) == 1
