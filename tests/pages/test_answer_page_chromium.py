"""The answer page in a real Chromium: on a phone and on a desk, in both languages, with script and without (V4)."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.pages.test_answer_page import LARGEST_PAGE
from tests.support.answering import CONTACT, MACHINES, PUNCTUAL, RECOMMEND, SKILL, VISITED, WISHES, ask
from tests.support.chromium import DESK, PHONE

pytestmark = pytest.mark.pages
SMALLEST_TARGET = 44
LANGUAGES = {"en": ("EN", "After-service survey"), "zh-CN": ("ZH_CN", "服务满意度调查")}
CONTRAST = """() => {
  const light = (c) => { const l = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const rgb = (s) => s.match(/[\\d.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  const faint = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push([e.tagName, e.textContent.trim().slice(0, 30), ratio]);
  }
  return faint;
}"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LEAST_ROOM = 3.5
TIGHTEST = """() => Math.min(...[...document.querySelectorAll(".level .choices span")].flatMap((box) => {
  const text = document.createRange(); text.selectNodeContents(box);
  const [a, b] = [text.getBoundingClientRect(), box.getBoundingClientRect()];
  return [a.left - b.left, b.right - a.right]; }))"""
SMALL = """(least) => [...document.querySelectorAll("label:has([type=radio]), button, summary, nav a, a.button, textarea, input")]
  .filter((e) => e.checkVisibility() && !e.closest("label > input") && e.type !== "radio")
  .map((e) => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
  .filter(([, r]) => r.width < least || r.height < least).map(([html, r]) => [html, r.width, r.height])"""


@pytest.fixture
async def asked(databases, company):
    return await ask(databases, company)


def pick(page, number, value):
    """A choice is picked as people do it: by what is written on it, not by its little circle."""
    return page.locator(f'label:has([name="a{number}"][value="{value}"])').click()


def is_picked(page, number, value):
    return expect(page.locator(f'[name="a{number}"][value="{value}"]')).to_be_checked()


async def fill_in(page):
    await pick(page, PUNCTUAL, "VERY_SATISFIED")
    await pick(page, SKILL, "NOT_VERY_SATISFIED")
    await page.locator(f"#q{SKILL} summary").click()
    await page.fill(f'[name="c{SKILL}"]', "He had to come twice.")
    await pick(page, RECOMMEND, "10")
    await pick(page, CONTACT, "PHONE")
    await page.fill(f"#a{MACHINES}", "3")
    await page.fill(f"#a{VISITED}", "2026-11-20")
    await page.fill(f"#a{WISHES}", "请早点来 <b>")


ANSWERED = {
    "punctual": "VERY_SATISFIED",
    "skill": ("NOT_VERY_SATISFIED", "He had to come twice."),
    "recommend": 10,
    "contact": "PHONE",
    "machines": 3,
    "visited": datetime(2026, 11, 20, tzinfo=UTC).date(),
    "wishes": "请早点来 <b>",
}


async def saved(page):
    await expect(page.get_by_role("status")).to_contain_text("✓")


def send(page):
    return page.locator('button.button[value="send"]').click()


@pytest.mark.requirement("V4")
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_a_survey_is_answered_thanked_for_changed_and_in_the_end_closed(
    asked, profile, size, language, script
):
    code, title = LANGUAGES[language]
    invited = await asked.invite(language=code)
    page = await (await profile(size, language=language, script=script)).new_page()
    await page.goto(invited.path)
    await expect(page.locator("h1")).to_have_text(title)
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await fill_in(page)
    await send(page)
    await expect(page.locator(".mark.done")).to_be_visible()
    assert await asked.given(invited) == ANSWERED
    await page.goto(invited.path)
    await page.locator("a.button").click()
    await is_picked(page, SKILL, "NOT_VERY_SATISFIED")
    await pick(page, SKILL, "NOT_SATISFIED")
    await send(page)
    await expect(page.locator(".mark.done")).to_be_visible()
    assert (await asked.given(invited))["skill"] == ("NOT_SATISFIED", "He had to come twice.")
    async with asked.databases.tenant_write(asked.company.ref) as write:
        await write.fetch("UPDATE survey_answer SET submitted_at = submitted_at - interval '25 hours'")
    answer = await page.goto(invited.path)
    assert answer.status == 410
    await expect(page.locator("a.button")).to_have_count(0)


@pytest.mark.requirement("V4")
async def test_what_is_filled_in_is_there_after_the_browser_was_closed(asked, profile):
    invited = await asked.invite()
    first = await profile()
    page = await first.new_page()
    await page.goto(invited.path)
    await pick(page, PUNCTUAL, "FAIRLY_SATISFIED")
    await page.fill(f"#a{WISHES}", "To be continued")
    await saved(page)
    await first.close()
    page = await (await profile(DESK)).new_page()
    await page.goto(invited.path)
    await is_picked(page, PUNCTUAL, "FAIRLY_SATISFIED")
    await expect(page.locator(f"#a{WISHES}")).to_have_value("To be continued")
    assert (await asked.answer_to(invited))["state"] == "STARTED"


@pytest.mark.requirement("V4")
async def test_leaving_the_page_in_the_middle_of_a_word_keeps_the_word(asked, profile):
    invited = await asked.invite()
    page = await (await profile()).new_page()
    await page.goto(invited.path)
    await page.fill(f"#a{WISHES}", "In the middle of")
    await page.goto("about:blank")
    for _ in range(50):
        if await asked.given(invited):
            break
        await asyncio.sleep(0.1)
    assert await asked.given(invited) == {"wishes": "In the middle of"}


@pytest.mark.requirement("V4")
async def test_without_script_each_part_has_a_button_that_saves(asked, profile):
    invited = await asked.invite()
    page = await (await profile(script=False)).new_page()
    await page.goto(invited.path)
    await pick(page, RECOMMEND, "4")
    await page.locator("section", has=page.locator(f"#q{RECOMMEND}")).get_by_role("button").click()
    await expect(page.get_by_text("✓ Saved")).to_be_visible()
    await is_picked(page, RECOMMEND, "4")
    assert await asked.given(invited) == {"recommend": 4}
    await page.fill(f"#a{MACHINES}", "5")
    await page.press(f"#a{MACHINES}", "Enter")
    await expect(page.get_by_text("✓ Saved")).to_be_visible()
    assert await asked.given(invited) == {"recommend": 4, "machines": 5}
    await page.get_by_role("button", name="中文").click()
    await expect(page.locator("h1")).to_have_text("服务满意度调查")
    await is_picked(page, RECOMMEND, "4")


async def test_with_script_there_is_one_button_and_changes_are_saved(asked, profile):
    page = await (await profile()).new_page()
    await page.goto((await asked.invite()).path)
    await expect(page.locator("main button")).to_have_count(1)


@pytest.mark.requirement("V4")
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_sending_twice_in_a_hurry_stores_one_answer(asked, profile, script):
    invited = await asked.invite()
    page = await (await profile(script=script)).new_page()
    await page.goto(invited.path)
    await pick(page, PUNCTUAL, "NOT_SATISFIED")
    await page.locator('button.button[value="send"]').dblclick()
    await expect(page.locator(".mark.done")).to_be_visible()
    assert await asked.given(invited) == {"punctual": "NOT_SATISFIED"}
    told = await asked.rows("SELECT 1 FROM audit WHERE action = 'survey_answer.submitted'")
    assert len(told) == 1


@pytest.mark.requirement("V4")
async def test_what_is_missing_is_listed_in_sight_and_leads_to_its_question(asked, profile):
    invited = await asked.invite()
    page = await (await profile()).new_page()
    await page.goto(invited.path)
    await page.fill(f"#a{WISHES}", "Kept")
    await send(page)
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await summary.get_by_role("link", name="Punctuality").click()
    await expect(page.locator(f"#a{PUNCTUAL}")).to_be_focused()
    await expect(page.locator(f"#q{PUNCTUAL}")).to_contain_text("Error: Please answer this question.")
    await expect(page.locator(f"#a{WISHES}")).to_have_value("Kept")


@pytest.mark.requirement("V4")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_levels_keep_their_distance_from_their_boxes_on_a_small_phone(asked, profile, language):
    invited = await asked.invite(language=LANGUAGES[language][0])
    page = await (await profile(PHONE, language=language)).new_page()
    await page.goto(invited.path)
    assert await page.evaluate(TIGHTEST) >= LEAST_ROOM


@pytest.mark.requirement("V4")
async def test_used_expired_and_unknown_links_say_so(asked, profile):
    page = await (await profile()).new_page()
    late = await asked.invite(expires_at=datetime.now(UTC) - timedelta(minutes=1))
    for path, status, title in (
        (late.path, 410, "This survey is closed"),
        (late.path[:-1], 404, "This link leads nowhere"),
        ("/s/", 404, None),
    ):
        answer = await page.goto(path)
        assert answer.status == status
        if title:
            await expect(page.locator("h1")).to_have_text(title)
            assert await page.evaluate(SIDEWAYS) == 0


@pytest.mark.requirement("V4")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_fits_can_be_hit_and_can_be_read(asked, profile, language, scheme):
    code, _ = LANGUAGES[language]
    invited = await asked.invite(language=code)
    page = await (await profile(language=language)).new_page()
    await page.emulate_media(color_scheme=scheme)
    await page.goto(invited.path)
    await page.locator(f"#q{SKILL} summary").click()
    await pick(page, SKILL, "NOT_VERY_SATISFIED")
    await pick(page, RECOMMEND, "10")
    await send(page)
    await expect(page.get_by_role("alert")).to_be_visible()
    for width in (320, 360, 768, 1280):
        await page.set_viewport_size({"width": width, "height": 740})
        assert await page.evaluate(SIDEWAYS) == 0, width
        assert await page.evaluate(SMALL, SMALLEST_TARGET if width >= 360 else 40) == [], width
        assert await page.evaluate(CONTRAST) == [], width
    await pick(page, PUNCTUAL, "VERY_SATISFIED")
    await send(page)
    await expect(page.locator(".mark.done")).to_be_visible()
    assert await page.evaluate(CONTRAST) == []


@pytest.mark.requirement("V4")
async def test_the_keyboard_alone_is_enough(asked, profile):
    invited = await asked.invite()
    page = await (await profile(DESK)).new_page()
    await page.goto(invited.path)

    async def reach(selector):
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await page.locator(f"{selector}:focus").count():
                return
        raise AssertionError(f"{selector} cannot be reached")

    await reach(f'[name="a{PUNCTUAL}"]')
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowRight")
    await reach("summary")
    await page.keyboard.press("Enter")
    await reach(f'[name="c{PUNCTUAL}"]')
    await page.keyboard.type("By keys")
    await reach(f'[name="a{RECOMMEND}"]')
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowLeft")
    await reach(f"#a{WISHES}")
    await page.keyboard.type("Line\n")
    await reach("button.button")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mark.done")).to_be_visible()
    assert await asked.given(invited) == {
        "punctual": ("FAIRLY_SATISFIED", "By keys"),
        "recommend": 10,
        "wishes": "Line",
    }


@pytest.mark.requirement("V4")
async def test_the_page_is_one_answer_of_30_kilobytes_and_complains_of_nothing(asked, profile):
    invited = await asked.invite(language="ZH_CN")
    context = await profile()
    page = await context.new_page()
    bytes_of, complaints = {}, []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    network = await context.new_cdp_session(page)
    await network.send("Network.enable")
    network.on("Network.loadingFinished", lambda e: bytes_of.update({e["requestId"]: e["encodedDataLength"]}))
    await page.goto(invited.path, wait_until="networkidle")
    assert [size for size in bytes_of.values() if size] == [sum(bytes_of.values())], (
        "an empty icon costs nothing"
    )
    assert sum(bytes_of.values()) <= LARGEST_PAGE
    await pick(page, PUNCTUAL, "VERY_SATISFIED")
    await saved(page)
    assert complaints == []
    assert await context.cookies() == []


@pytest.mark.requirement("V4")
async def test_without_connection_nothing_is_lost(asked, profile):
    invited = await asked.invite()
    context = await profile()
    page = await context.new_page()
    await page.goto(invited.path)
    await context.set_offline(True)
    await pick(page, PUNCTUAL, "NOT_SATISFIED")
    await expect(page.get_by_role("status")).to_contain_text("Not saved yet")
    await context.set_offline(False)
    await saved(page)
    assert await asked.given(invited) == {"punctual": "NOT_SATISFIED"}


async def test_what_cannot_be_saved_is_told_beside_its_question(asked, profile):
    invited = await asked.invite()
    page = await (await profile()).new_page()
    await page.goto(invited.path)
    await page.fill(f"#a{MACHINES}", "1e20")
    await expect(page.locator(f"#q{MACHINES} .wrong")).to_have_text(
        re.compile("^Error: This must lie between")
    )
    await page.fill(f"#a{MACHINES}", "12")
    await saved(page)
    await expect(page.locator(f"#q{MACHINES} .wrong")).to_have_count(0)
    assert await asked.given(invited) == {"machines": 12}


@pytest.mark.requirement("T1")
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_the_page_of_signing_up_fits_and_can_be_read(profile, size):
    page = await (await profile(size)).new_page()
    await page.goto("/sign-up")
    await expect(page.locator("h1")).to_have_text("Sign up your company")
    assert await page.evaluate(SIDEWAYS) == 0
    assert await page.evaluate(CONTRAST) == []
    await page.get_by_role("link", name="中文").click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
