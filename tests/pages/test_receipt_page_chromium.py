"""Minutes are confirmed in a real Chromium: on a phone and on a desk, in both languages, with script and without (F4)."""

import pytest
from playwright.async_api import expect

from tests.pages.test_answer_page_chromium import CONTRAST, SIDEWAYS, SMALL, SMALLEST_TARGET
from tests.support.chromium import DESK, PHONE
from tests.support.minuting import send_minutes

pytestmark = [pytest.mark.pages, pytest.mark.requirement("F4")]
SIZES = [(PHONE, "en", True), (PHONE, "zh-CN", False), (DESK, "zh-CN", True), (DESK, "en", False)]
NAMES = ["phone", "phone, no script", "desk", "desk, no script"]
CODES = {"en": "EN", "zh-CN": "ZH_CN"}


@pytest.mark.parametrize(("size", "language", "script"), SIZES, ids=NAMES)
async def test_minutes_are_confirmed(databases, company, profile, size, language, script):
    sent = await send_minutes(databases, company, language=CODES[language])
    page = await (await profile(size, language=language, script=script)).new_page()
    await page.goto(sent.path)
    assert await page.locator("html").get_attribute("lang") == language
    assert await page.evaluate(SIDEWAYS) <= 0
    if script:
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate(SMALL, SMALLEST_TARGET) == []
    await page.locator("button[value=confirm]").click()
    await expect(page.get_by_role("status")).to_contain_text("✓")
    await expect(page.locator("form")).to_have_count(0)
    assert (await sent.row())["state"] == "CONFIRMED"


@pytest.mark.parametrize(("size", "language", "script"), SIZES, ids=NAMES)
async def test_an_objection_is_sent(databases, company, profile, size, language, script):
    sent = await send_minutes(databases, company, language=CODES[language])
    page = await (await profile(size, language=language, script=script)).new_page()
    await page.goto(sent.path)
    await page.locator("summary").click()
    if script:
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate(SMALL, SMALLEST_TARGET) == []
    await page.fill("#objection", "约定的是 12 %")
    await page.locator("button[value=confirm]").click()  # it was meant to be sent
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.locator("#objection")).to_have_value("约定的是 12 %")
    await page.locator("button[value=object]").click()
    await expect(page.get_by_role("status")).to_contain_text("✓")
    assert await page.evaluate(SIDEWAYS) <= 0
    row = await sent.row()
    assert (row["state"], row["objection"]) == ("OBJECTED", "约定的是 12 %")
