"""One click and without signing in: the link of a mail stops mails of its kind, and can take it back (T9, RFC 8058)."""

from email import message_from_bytes
from email.policy import SMTP

import httpx
import pytest

from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.secrets import SecretKey, load_secret_key
from kedang_tenants.customers.consenting import Recipient, address_hash
from kedang_tenants.customers.unsubscribing import (
    Unsubscription,
    read_unsubscribe_link,
    unsubscribe_link,
)
from tests.support.chromium import DESK, PHONE
from tests.support.factories import Factory
from tests.support.surveying import customer_with_mail, later, survey

MARIA = "maria@alfreds.example"


def link(company, key, contact, purpose="SURVEY"):
    whom = Recipient(contact, address_hash(MARIA))
    return unsubscribe_link(
        key, base_url="https://k.example", company=company, unsubscription=Unsubscription(whom, purpose)
    )


@pytest.mark.requirement("T9")
async def test_invitations_and_reminders_carry_the_link_in_headers_and_text(shop):
    asked = await survey(shop, cooldown_days=0, remind_after_days=1)
    _, maria = await customer_with_mail(shop)
    await asked.send(contact_ids=[maria])
    for _ in range(3):
        await later(shop, seconds=10)
    await later(shop, days=2)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        from kedang_tenants.surveys.reminding import remind_part

        await remind_part(write, await shop.product(), after=None, clock=shop.clock)
    await shop.work()
    mails = [
        message_from_bytes(path.read_bytes(), policy=SMTP)
        for path in sorted((shop.settings.var / "mail").glob("*.eml"))
    ]
    assert len(mails) == 2
    (url,) = {mail["List-Unsubscribe"] for mail in mails}
    for mail in mails:
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert url.strip("<>") in mail.get_body(("plain",)).get_content()
        assert url.strip("<>") in mail.get_body(("html",)).get_content()
    text = url.strip("<>").rpartition("/")[2]
    found = read_unsubscribe_link(load_secret_key(shop.settings), text)
    assert found == Unsubscription(Recipient(maria, address_hash(MARIA)), "SURVEY")


async def test_mails_that_cannot_be_unsubscribed_from_bear_no_such_header(shop):
    letter = Outgoing(Letter(subject="Hello", paragraphs=("Hello",)), MARIA, "en", "k")
    async with shop.databases.control() as control:
        await post(control, [letter], sender="K <a@x.example>", now=shop.clock.now())
    await shop.work()
    (path,) = (shop.settings.var / "mail").glob("*.eml")
    assert "unsubscribe" not in path.read_text().lower()


@pytest.mark.requirement("T9")
def test_a_link_that_was_touched_anywhere_is_none_of_ours(company):
    key = SecretKey(b"secret")
    text = link(company, key, None).rpartition("/")[2]
    assert read_unsubscribe_link(key, text).recipient.contact_id is None
    assert read_unsubscribe_link(SecretKey(b"other"), text) is None
    for place in range(len(text)):
        other = "B" if text[place] != "B" else "C"
        touched = read_unsubscribe_link(key, text[:place] + other + text[place + 1 :])
        assert touched is None or touched == read_unsubscribe_link(key, text)
    for odd in ("", ".", "x.y", text + "AAAA", text[:-4], "é" + text, text.partition(".")[0] + "."):
        assert read_unsubscribe_link(key, odd) is None


@pytest.fixture
async def maria(databases, company):
    factory = Factory(databases, company)
    customer = await factory.one("customer", name="Alfreds Futterkiste")
    return await factory.one("contact", customer_id=customer, name="Maria Anders", email=MARIA)


@pytest.fixture
async def opened(gateway, company, maria):
    path = link(company, load_secret_key(gateway.services.settings), maria).removeprefix("https://k.example")
    async with httpx.AsyncClient(base_url=gateway.url, headers={"accept-language": "en"}) as http:
        yield http, path


async def statements(databases, company):
    async with databases.tenant_read(company.ref) as read:
        rows = await read.fetch(
            "SELECT contact_id, channel, purpose, decision, source, recorded_by_id, archived_at IS NULL AS stands"
            " FROM contact_consent ORDER BY id"
        )
    return [tuple(row) for row in rows]


@pytest.mark.requirement("T9")
async def test_opening_changes_nothing_and_one_click_opts_out_once(databases, company, maria, opened):
    http, path = opened
    for _ in range(2):
        page = await http.get(path)
        assert (page.status_code, "Send me no more" in page.text) == (200, True)
    assert (await http.head(path)).status_code == 200
    assert await statements(databases, company) == []
    click = {
        "content": "List-Unsubscribe=One-Click",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    }
    multipart = {"files": {"List-Unsubscribe": (None, "One-Click")}}
    for given in (click, click, multipart, {"headers": {"origin": "https://mail.example"}}):
        answer = await http.post(path, **given)
        assert answer.status_code == 200
    out = [(maria, "EMAIL", "SURVEY", "OPTED_OUT", "UNSUBSCRIBE_LINK", None, True)]
    assert await statements(databases, company) == out
    page = await http.get(path)
    assert "You are unsubscribed" in page.text
    assert "Northwind Traders sends you no more surveys by e-mail." in page.text
    headers = page.headers
    assert (headers["cache-control"], headers["x-robots-tag"]) == ("no-store", "noindex, nofollow")


@pytest.mark.requirement("T9")
async def test_there_is_a_way_back_but_not_past_what_was_said_otherwise(databases, company, maria, opened):
    http, path = opened
    form = {"headers": {"content-type": "application/x-www-form-urlencoded"}}
    await http.post(path, content="do=stop", **form)
    await http.post(path, content="do=back", **form)
    assert [row[-1] for row in await statements(databases, company)] == [False]
    assert "Send me no more" in (await http.get(path)).text
    factory = Factory(databases, company)
    await factory.one(
        "contact_consent", contact_id=maria, channel="EMAIL", purpose="SURVEY", decision="OPTED_OUT"
    )
    await http.post(path, content="do=stop", **form)
    await http.post(path, content="do=back", **form)
    assert [row[-1] for row in await statements(databases, company)] == [False, True, False]
    page = (await http.get(path)).text
    assert "You have told Northwind Traders so yourself." in page
    assert "<button" not in page


@pytest.mark.requirement("T9")
async def test_links_that_lead_nowhere_say_so_and_write_nothing(databases, company, opened):
    http, path = opened
    for bad in (
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        "/u/x.y",
        f"/u/{'a' * 13}.{path.partition('.')[2]}",
    ):
        for method in ("GET", "POST"):
            answer = await http.request(method, bad)
            assert (answer.status_code, "leads nowhere" in answer.text) == (404, True)
    assert await statements(databases, company) == []


@pytest.mark.pages
@pytest.mark.requirement("T9")
@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
async def test_the_page_in_chromium(profile, opened, databases, company, window, language, tmp_path):
    _, path = opened
    page = await (await profile(window)).new_page()
    await page.goto(f"{path}?lang={language}")
    for _ in range(2):
        assert await page.locator("html").get_attribute("lang") == language
        sideways = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(sideways) == 0
        box = await page.locator("button").bounding_box()
        assert box["height"] >= 44
        await page.screenshot(path=str(tmp_path / "page.png"))
        await page.locator("button").click()
        await page.wait_for_load_state()
    assert [row[-1] for row in await statements(databases, company)] == [False]
