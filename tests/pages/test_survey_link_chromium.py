"""A link that everybody gets in a real Chromium: scanned from a QR code, answered on a phone and on a desk (V3, V4)."""

import pytest
from playwright.async_api import expect

from tests.pages.test_answer_page_chromium import (
    CONTRAST,
    LANGUAGES,
    SIDEWAYS,
    SMALL,
    SMALLEST_TARGET,
    is_picked,
    pick,
    saved,
    send,
)
from tests.support.answering import PUNCTUAL, RECOMMEND, ask
from tests.support.chromium import DESK, PHONE

pytestmark = pytest.mark.pages


@pytest.mark.requirement("V3", "V4")
@pytest.mark.parametrize(
    ("size", "language", "script"),
    [(PHONE, "en", True), (PHONE, "zh-CN", False), (DESK, "zh-CN", True), (DESK, "en", False)],
    ids=["phone", "phone, no script", "desk", "desk, no script"],
)
async def test_it_is_answered_once_a_browser_and_comes_back_where_it_was_left(
    databases, company, profile, size, language, script
):
    asked = await ask(databases, company)
    _, path = await asked.link()
    context = await profile(size, language=language, script=script)
    page = await context.new_page()
    await page.goto(path)
    await expect(page.locator("h1")).to_have_text(LANGUAGES[language][1])
    assert await page.evaluate(SIDEWAYS) <= 0
    if script:
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate(SMALL, SMALLEST_TARGET) == []
    await pick(page, PUNCTUAL, "VERY_SATISFIED")
    if script:
        await saved(page)
    else:
        await page.locator("section", has=page.locator(f"#q{PUNCTUAL}")).get_by_role("button").click()
    again = await context.new_page()
    await again.goto(path)
    await is_picked(again, PUNCTUAL, "VERY_SATISFIED")
    await pick(again, RECOMMEND, "10")
    await send(again)
    await expect(again.locator(".mark.done")).to_be_visible()
    (answer,) = await asked.rows("SELECT state, nps, customer_id FROM survey_answer")
    assert answer == {"state": "SUBMITTED", "nps": 10, "customer_id": None}
