"""The answer page as a browser without script gets it: what it shows, takes, refuses and keeps to itself (V4)."""

import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from kedang_graphql.pages import surveys
from kedang_platform.registry import set_status
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.surveys.templates import seed_questionnaires
from kedang_tenants.surveys.versions import publish_version
from tests.pages.conftest import Reader
from tests.support.answering import CONTACT, MACHINES, PUNCTUAL, RECOMMEND, SKILL, VISITED, WISHES, ask
from tests.support.digests import digests

LARGEST_PAGE = 30 * 1024
ANSWERS = {
    f"a{PUNCTUAL}": "VERY_SATISFIED",
    f"c{PUNCTUAL}": "On the minute.",
    f"a{SKILL}": "FAIRLY_SATISFIED",
    f"a{RECOMMEND}": "0",
    f"a{CONTACT}": "NEVER",
    f"a{MACHINES}": "12",
    f"a{VISITED}": "2026-11-20",
    f"a{WISHES}": "请早点来\r\n谢谢",
}
STORED = {
    "punctual": ("VERY_SATISFIED", "On the minute."),
    "skill": "FAIRLY_SATISFIED",
    "recommend": 0,
    "contact": "NEVER",
    "machines": 12,
    "visited": datetime(2026, 11, 20, tzinfo=UTC).date(),
    "wishes": "请早点来\n谢谢",
}


@pytest.fixture
async def asked(databases, company):
    return await ask(databases, company)


@pytest.fixture
async def phone(gateway):
    """A browser that sends forms of its own pages only."""
    headers = {"origin": gateway.url, "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, follow_redirects=True) as http:
        yield http


def read(answer):
    page = Reader()
    page.feed(answer.text)
    return page


async def send(phone, invited, do="send", **more):
    return await phone.post(invited.path, data={"do": do, **more})


@pytest.mark.requirement("V4")
@pytest.mark.parametrize(
    ("language", "title", "other"),
    [("ZH_CN", "服务满意度调查", "After-service survey"), ("EN", "After-service survey", "服务满意度调查")],
)
async def test_the_page_speaks_the_language_of_the_invitation_and_the_other_on_wish(
    asked, phone, language, title, other
):
    invited = await asked.invite(language=language)
    answer = await phone.get(invited.path, headers={"accept-language": "fr"})
    page = read(answer)
    assert answer.status_code == 200
    assert page.lang == {"ZH_CN": "zh-CN", "EN": "en"}[language]
    assert page.title == f"{title} · Northwind Traders"
    turned = read(await send(phone, invited, {"ZH_CN": "en", "EN": "zh-CN"}[language]))
    assert turned.title == f"{other} · Northwind Traders"
    assert turned.lang != page.lang


@pytest.mark.requirement("V4")
async def test_a_whole_form_is_handed_in_and_thanked_for(asked, phone):
    invited = await asked.invite()
    answer = await send(phone, invited, **ANSWERS)
    assert [step.status_code for step in answer.history] == [303]
    assert answer.status_code == 200
    text = read(answer).text
    assert "Thank you!" in text
    assert "The people in charge read it today." in text
    assert "You can change your answers until" in text
    assert await asked.given(invited) == STORED


@pytest.mark.requirement("V4")
async def test_saved_by_the_button_of_a_part_it_is_there_on_return(asked, phone):
    invited = await asked.invite()
    answer = await send(
        phone, invited, f"save.{SKILL}", **{f"a{SKILL}": "NOT_SATISFIED", f"c{SKILL}": "<b>&"}
    )
    assert str(answer.url).endswith(f"?saved={SKILL}#q{SKILL}")
    for again in (answer, await phone.get(invited.path)):
        assert re.search(rf'name="a{SKILL}" value="NOT_SATISFIED"[^>]* checked', again.text)
        assert f"{html.escape('<b>&')}</textarea>" in again.text
    assert (await asked.answer_to(invited))["state"] == "STARTED"


async def test_turning_to_the_other_language_keeps_what_is_filled_in(asked, phone):
    invited = await asked.invite()
    answer = await send(phone, invited, "zh-CN", **{f"a{RECOMMEND}": "7"})
    assert re.search(rf'name="a{RECOMMEND}" value="7" checked', answer.text)
    assert await asked.given(invited) == {"recommend": 7}


@pytest.mark.requirement("V4")
async def test_a_form_that_is_refused_says_where_and_shows_what_was_typed(asked, phone):
    invited = await asked.invite()
    before = await digests(asked.databases, asked.company.ref)
    answer = await send(phone, invited, **{f"a{WISHES}": "Kept <here>", f"a{MACHINES}": "many"})
    assert answer.status_code == 422
    page = read(answer)
    assert page.links["Punctuality"] == f"#a{PUNCTUAL}"
    assert page.links["How many machines do you have?"] == f"#a{MACHINES}"
    assert f'id="a{PUNCTUAL}"' in answer.text
    assert "Please answer this question." in page.text
    assert "“many” is not a number." in page.text
    assert "Kept &lt;here&gt;</textarea>" in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert await digests(asked.databases, asked.company.ref) == before


@pytest.mark.requirement("V4")
async def test_saving_in_passing_answers_in_a_few_bytes(asked, phone):
    invited = await asked.invite()
    answer = await send(phone, invited, "keep", **{f"a{RECOMMEND}": "9"})
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await send(phone, invited, "keep", **{f"a{MACHINES}": "many", f"a{RECOMMEND}": "3"})
    assert answer.status_code == 422
    assert answer.json() == {str(MACHINES): "“many” is not a number."}
    assert await asked.given(invited) == {"recommend": 9}
    await send(phone, invited, **ANSWERS)
    answer = await send(phone, invited, "keep", **{f"a{RECOMMEND}": "1"})
    assert (answer.status_code, answer.content) == (410, b"")
    assert await asked.given(invited) == STORED


@pytest.mark.parametrize(
    "field", ["a0", "a8", "c3", "a99999999999999999999", "a-1", "aＡ", "lang", "__proto__"]
)
async def test_fields_that_the_page_does_not_have_change_nothing(asked, phone, field):
    invited = await asked.invite()
    before = await digests(asked.databases, asked.company.ref)
    answer = await send(phone, invited, "save", **{field: "x"})
    refused = field in {"a0", "a8", "c3"}
    assert answer.status_code == (422 if refused else 200)
    assert await digests(asked.databases, asked.company.ref) == before


@pytest.mark.requirement("V4")
async def test_an_answer_is_changed_through_the_page_of_thanks(asked, phone):
    invited = await asked.invite()
    thanks = read(await send(phone, invited, **ANSWERS))
    form = await phone.get(thanks.links["Change my answers"])
    assert re.search(rf'name="a{PUNCTUAL}" value="VERY_SATISFIED"[^>]* checked', form.text)
    assert "Send the changes" in form.text
    assert "<script" not in form.text, "a change counts when it is sent as a whole"
    await send(phone, invited, **{**ANSWERS, f"a{PUNCTUAL}": "NOT_SATISFIED"})
    assert (await asked.given(invited))["punctual"] == ("NOT_SATISFIED", "On the minute.")
    assert (await asked.answer_to(invited))["unhappy"] is True


@pytest.mark.requirement("V4")
async def test_used_expired_and_withdrawn_links_say_so(asked, phone):
    used = await asked.invite()
    await send(phone, used, **ANSWERS)
    async with asked.databases.tenant_write(asked.company.ref) as write:
        await write.fetch("UPDATE survey_answer SET submitted_at = submitted_at - interval '24 hours'")
    late = await asked.invite(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    withdrawn = await asked.invite(state="CANCELLED")
    for invited, title in (
        (used, "This survey has been answered"),
        (late, "This survey is closed"),
        (withdrawn, "This survey is closed"),
    ):
        answer = await phone.get(invited.path)
        assert answer.status_code == 410
        assert title in read(answer).text
        assert "<form" not in answer.text
        before = await digests(asked.databases, asked.company.ref)
        again = await send(phone, invited, **{f"a{PUNCTUAL}": "NOT_SATISFIED"})
        assert (again.status_code, read(again).title) == (410, read(answer).title)
        assert await digests(asked.databases, asked.company.ref) == before
    assert "Northwind Traders" in read(await phone.get(late.path)).text


async def test_thanks_are_shown_also_where_nothing_can_be_changed_afterwards(databases, company, phone):
    asked = await ask(databases, company, edit_hours=0)
    invited = await asked.invite()
    answer = await send(phone, invited, **ANSWERS)
    assert answer.status_code == 200
    assert "Thank you!" in read(answer).text
    assert "Change my answers" not in answer.text
    assert (await phone.get(invited.path)).status_code == 410


@pytest.mark.requirement("V4", "T1")
async def test_whatever_opens_nothing_looks_alike_and_tells_of_no_company(databases, two_companies, phone):
    own, other = [await ask(databases, each) for each in two_companies]
    invited, foreign = await own.invite(), await other.invite()
    skipped = await own.invite(state="SKIPPED")
    handle, _, token = invited.path.removeprefix("/s/").partition(".")
    closed = await ask(databases, await make_suspended(databases))
    paths = [
        "/s/x",
        f"/s/{handle}",
        f"/s/{handle}.{'a' * 32}",
        f"/s/{'a' * 13}.{token}",
        f"/s/{handle}.{foreign.path.rpartition('.')[2]}",
        f"/s/{invited.path[3:-1]}{'a' if token[-1] != 'a' else 'b'}",
        skipped.path,
        (await closed.invite()).path,
        f"/s/{handle}.{'1' * 32}",
    ]
    before = await digests(databases, *(each.ref for each in two_companies))
    answers = [await phone.get(path) for path in paths] + [
        await phone.post(path, data={"do": "send", f"a{PUNCTUAL}": "VERY_SATISFIED"}) for path in paths
    ]
    assert {answer.status_code for answer in answers} == {404}
    told = {answer.text.replace(str(answer.url.path), "?") for answer in answers}
    assert len(told) == 1
    assert "Northwind" not in told.pop()
    assert len({tuple(sorted(answer.headers.items() - date_of(answer))) for answer in answers}) <= len(
        {len(path) for path in paths}
    )
    assert await digests(databases, *(each.ref for each in two_companies)) == before


def date_of(answer):
    return {("date", answer.headers["date"])}


async def make_suspended(databases):
    from tests.support.database import make_company

    company = await make_company(databases, name="Suspended & Co")
    async with databases.control() as control:
        await set_status(control, company_id=company.id, status="suspended")
    return company


async def test_links_that_lead_nowhere_are_not_tried_without_end(asked, phone, monkeypatch):
    invited = await asked.invite()
    monkeypatch.setattr(surveys, "_UNKNOWN_SECONDS", 0)
    limit = surveys.UNKNOWN_FROM_ADDRESS.times
    assert {(await phone.get("/s/x")).status_code for _ in range(limit)} == {404}
    assert (await phone.get("/s/x")).status_code == 429
    assert (await phone.get(invited.path)).status_code == 200, "a rightful link is never held up"


@pytest.mark.requirement("V4")
async def test_the_page_is_kept_by_nobody_and_loads_nothing_else(asked, phone):
    invited = await asked.invite()
    answer = await phone.get(invited.path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in answer.headers
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert re.findall(r'(?:src|href)="(?!#)([^"]+)"', answer.text) == ["data:,"]


@pytest.mark.requirement("T1")
async def test_another_site_sends_no_answer(asked, gateway):
    invited = await asked.invite()
    before = await digests(asked.databases, asked.company.ref)
    async with httpx.AsyncClient(base_url=gateway.url, headers={"origin": "https://evil.example"}) as evil:
        answer = await evil.post(invited.path, data={"do": "send", **ANSWERS})
    assert answer.status_code == 403
    assert await digests(asked.databases, asked.company.ref) == before


async def test_names_and_texts_of_a_company_are_text_and_nothing_else(databases, two_companies, phone):
    asked = await ask(
        databases, two_companies[1], name={"en": "<script>alert(1)</script>", "zh": "“x” & <i>"}
    )
    page = await phone.get((await asked.invite()).path)
    assert page.text.count("<script") == 1
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page.text
    assert "Rival &amp; Sons" in page.text


@pytest.mark.requirement("V4", "V2")
async def test_the_largest_template_comes_in_one_answer_of_30_kilobytes(databases, company, phone):
    asked = await ask(databases, company)
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        await seed_questionnaires(write, viewer, clock=asked.factory.clock)
        rows = await write.fetch("SELECT id FROM questionnaire_version WHERE state = 'DRAFT'")
        for row in rows:
            await publish_version(write, viewer, version_id=row["id"], clock=asked.factory.clock)
    published = await asked.rows(
        "SELECT id, current_version_id FROM questionnaire WHERE current_version_id = ANY($1::uuid[])",
        [row["id"] for row in rows],
    )
    assert len(published) == 3
    for row in published:
        values = {"questionnaire_id": row["id"], "version_id": row["current_version_id"]}
        for language in ("EN", "ZH_CN"):
            asked.questionnaire_id, asked.version_id = row["id"], row["current_version_id"]
            answer = await phone.get((await asked.invite(language=language)).path)
            assert answer.status_code == 200, values
            assert len(answer.content) <= LARGEST_PAGE
