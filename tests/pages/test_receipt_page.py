"""The page on which minutes are confirmed: without script and without signing in, in two languages (F4)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.minuting import send_minutes

pytestmark = pytest.mark.requirement("F4")


async def test_minutes_are_read_and_confirmed_without_script_and_looking_changes_nothing(
    databases, company, browser
):
    sent = await send_minutes(databases, company)
    before = await sent.row()
    page = await browser.open(sent.path)
    assert browser.answer.status_code == 200
    assert page.lang == "en"
    for said in (
        "Minutes: Prices of pumps", "Berlin", "Prices stay as they are until June.", "10 % off for twenty pumps",
        "Nancy Davolio until 2026-12-01: Send an offer", "Nancy Davolio, Maria Anders, 王芳", company.name,
    ):  # fmt: skip
        assert said in page.text
    await browser.http.head(sent.path)
    assert await sent.row() == before
    page = await browser.send(do="confirm", objection="")
    assert (browser.answer.status_code, browser.answer.url.path) == (200, sent.path)
    assert "You confirmed these minutes on" in page.text
    assert page.action is None  # nothing more to answer
    row = await sent.row()
    assert (row["state"], row["objection"]) == ("CONFIRMED", None)
    assert await sent.told() == [
        (sent.organiser, "Maria Anders of Alfreds Futterkiste has confirmed the minutes of “Prices of pumps”")
    ]


async def test_an_objection_says_what_is_wrong(databases, company, browser):
    sent = await send_minutes(databases, company)
    await browser.open(sent.path)
    page = await browser.send(do="object", objection="  ")
    assert browser.answer.status_code == 422
    assert "Please say what is missing or wrong." in page.text
    page = await browser.send(to=sent.path, do="confirm", objection="It was 12 %")
    assert browser.answer.status_code == 422
    assert "send the objection, or empty the field to confirm" in page.text
    assert "It was 12 %" in browser.answer.text
    assert (await sent.row())["state"] == "WAITING"
    page = await browser.send(to=sent.path, do="object", objection="x" * 5001)
    assert browser.answer.status_code == 422
    page = await browser.send(to=sent.path, do="object", objection="It was <b>12 %</b>")
    assert "You objected to these minutes on" in page.text
    assert "It was &lt;b&gt;12 %&lt;/b&gt;" in browser.answer.text
    assert ((await sent.row())["state"], (await sent.row())["objection"]) == (
        "OBJECTED",
        "It was <b>12 %</b>",
    )
    await browser.send(to=sent.path, do="confirm", objection="")
    assert (await sent.row())["state"] == "OBJECTED"  # what was answered stays


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("It was\0 12\x1b %", "It was 12 %"),  # no database keeps the first of these signs
        ("No.\r\n" * 1250, "\n".join(["No."] * 1250)),  # a browser counts a line's end as one sign
        ("字" * 5000, "字" * 5000),
    ],
    ids=["signs", "lines", "length"],
)
async def test_an_objection_is_kept_as_it_was_typed_without_signs_that_nobody_sees(
    databases, company, browser, typed, kept
):
    sent = await send_minutes(databases, company)
    await browser.open(sent.path)
    page = await browser.send(do="object", objection=typed)
    assert (browser.answer.status_code, page.action) == (200, None)
    assert ((await sent.row())["state"], (await sent.row())["objection"]) == ("OBJECTED", kept)
    assert len(await sent.told()) == 1


@pytest.mark.requirement("T1")
@pytest.mark.parametrize("record", ["meeting", "contact", "customer"])
async def test_the_link_leads_nowhere_while_what_it_is_about_is_archived(databases, company, browser, record):
    sent = await send_minutes(databases, company)
    async with databases.tenant_write(company.ref) as write:
        await write.fetch(f"UPDATE {record} SET archived_at = now()")
    page = await browser.open(sent.path)
    assert browser.answer.status_code == 404
    assert company.name not in page.text
    await browser.send(to=sent.path, do="confirm")
    assert (browser.answer.status_code, (await sent.row())["state"]) == (404, "WAITING")


async def test_the_language_is_that_of_the_receipt_until_another_is_chosen(databases, company, browser):
    sent = await send_minutes(databases, company, language="ZH_CN")
    page = await browser.open(sent.path, **{"accept-language": "en"})
    assert (page.lang, page.links) == ("zh-CN", {"English": f"{sent.path}?lang=en"})
    page = await browser.open(page.links["English"])
    assert page.lang == "en"
    page = await browser.send(do="confirm")
    assert page.lang == "en"
    assert "You confirmed these minutes on" in page.text


@pytest.mark.requirement("T9")
async def test_nothing_of_the_page_is_kept_framed_or_told_to_others(databases, company, browser):
    sent = await send_minutes(databases, company)
    await browser.open(sent.path)
    headers = browser.answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert (headers["cache-control"], headers["x-robots-tag"]) == ("no-store", "noindex, nofollow")
    assert "<script" not in browser.answer.text
    answer = await browser.http.post(
        sent.path, content="do=confirm",
        headers={"origin": "https://evil.example", "content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert (await sent.row())["state"] == "WAITING"


async def test_a_link_that_is_over_or_of_former_minutes_takes_no_answer(databases, company, browser):
    past = datetime.now(UTC) - timedelta(seconds=1)
    sent = await send_minutes(databases, company, expires_at=past)
    page = await browser.open(sent.path)
    assert (browser.answer.status_code, page.action) == (200, None)
    assert f"Please tell {company.name} directly." in page.text
    await browser.send(to=sent.path, do="confirm")
    assert (await sent.row())["state"] == "WAITING"
    async with databases.tenant_write(company.ref) as write:
        await write.fetch("UPDATE minutes_receipt SET state = 'SUPERSEDED'")
    page = await browser.open(sent.path)
    assert browser.answer.status_code == 410
    assert "These minutes were mended" in page.text
    assert "Prices stay as they are" not in page.text


@pytest.mark.requirement("T1")
@pytest.mark.parametrize("change", ["token", "handle", "short", "long", "letters"])
async def test_whatever_leads_nowhere_is_answered_alike(databases, company, browser, change):
    sent = await send_minutes(databases, company)
    wrong = {
        "token": sent.path[:-1] + ("a" if sent.path[-1] != "a" else "b"),
        "handle": "/m/aaaaaaaaaaaaa." + sent.path.rpartition(".")[2],
        "short": sent.path[:-1],
        "long": sent.path + "a",
        "letters": sent.path[:-2] + "1!",
    }[change]
    page = await browser.open(wrong)
    assert browser.answer.status_code == 404
    assert "This link leads nowhere" in page.text
    assert company.name not in page.text
    answer = await browser.http.post(
        wrong, content="do=confirm",
        headers={"origin": browser.gateway.url, "content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert answer.status_code == 404
    assert (await sent.row())["state"] == "WAITING"
