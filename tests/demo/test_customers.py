"""The customers of the demonstration on the real answer page: with a browser, without one, with one that fails."""

import asyncio
import shutil
from decimal import Decimal

import pytest

from kedang_workers.demo.browsing import customers
from kedang_workers.demo.client import Unexpected
from kedang_workers.demo.pages import PlainForms, fill_in, read_page
from kedang_workers.demo.story import Reply
from tests.support.answering import ask

REPLY = Reply(
    customer="ANYBODY",
    level="Very satisfied",
    recommends=9,
    exceptions={"Technical skill": "Not satisfied"},
    comments={"Technical skill": "He had no tools with him."},
    words={"What should we do better?": "Bring the tools."},
)
ANSWERED = {
    "punctual": ("VERY_SATISFIED", None, None, None),
    "skill": ("NOT_SATISFIED", None, None, "He had no tools with him."),
    "recommend": (None, Decimal(9), None, None),
    "wishes": (None, None, "Bring the tools.", None),
}


@pytest.fixture
async def asked(databases, company):
    return await ask(databases, company)


async def said(asked, invited):
    answer = await asked.answer_to(invited)
    rows = await asked.rows(
        "SELECT i.key, g.level, g.number, g.text, g.comment FROM survey_item_answer g"
        " JOIN survey_item i ON i.id = g.item_id WHERE g.answer_id = $1",
        answer["id"],
    )
    assert answer["state"] == "SUBMITTED"
    return {row["key"]: (row["level"], row["number"], row["text"], row["comment"]) for row in rows}


def answering(url, path, told):
    """Answer as the demonstration does; returns by which way."""
    with customers(url, told.append) as people:
        return people.answer(path, REPLY, told.append)


async def test_the_form_is_filled_in_by_what_it_shows_and_answered_once(gateway, asked):
    invited, told = await asked.invite(), PlainForms(gateway.url)
    await asyncio.to_thread(told.answer, invited.path, REPLY)
    assert await said(asked, invited) == ANSWERED
    await asyncio.to_thread(
        told.answer, invited.path, Reply(customer="OTHER", level="Not satisfied", recommends=0)
    )
    assert await said(asked, invited) == ANSWERED


async def test_a_form_that_is_not_taken_is_said(gateway, asked):
    invited = await asked.invite()
    empty = Reply(customer="ANYBODY", level="Whatever", recommends=11)
    with pytest.raises(Unexpected, match="422: the answers were not taken"):
        await asyncio.to_thread(PlainForms(gateway.url).answer, invited.path, empty)
    assert await asked.answer_to(invited) is None


@pytest.mark.parametrize(
    ("program", "because"),
    [(None, "there is no Chromium on this machine"), ("#!/bin/sh\nexit 1\n", "Chromium did not start")],
)
async def test_without_a_browser_the_form_is_sent_and_that_is_said(
    gateway, asked, tmp_path, monkeypatch, program, because
):
    if program is not None:
        (tmp_path / "chromium").write_text(program)
        (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    invited, told = await asked.invite(), []
    assert await asyncio.to_thread(answering, gateway.url, invited.path, told) == (
        "by the plain form, without a browser"
    )
    assert [line for line in told if because in line] == told != []
    assert await said(asked, invited) == ANSWERED


@pytest.mark.pages
async def test_with_chromium_the_page_is_tapped_and_typed_in(gateway, asked):
    assert shutil.which("chromium"), "make test-pages installs it"
    invited, told = await asked.invite(), []
    assert await asyncio.to_thread(answering, gateway.url, invited.path, told) == "in Chromium"
    assert told == []
    assert await said(asked, invited) == ANSWERED


def test_names_of_fields_are_taken_from_the_page():
    page = read_page("""
        <h1>Survey</h1><form action="/there"><input type="hidden" name="seal" value="7">
        <fieldset><legend>Technical skill <small>required</small></legend>
        <label><input type="radio" name="x" value="good"><span>Very satisfied</span></label>
        <label><input type="radio" name="x" value="bad"><span>Not satisfied</span></label>
        <textarea name="y" aria-label="Comment: Technical skill"></textarea></fieldset>
        <label for="w">What should we do better?</label><textarea id="w" name="z">old</textarea>
        <button name="do" value="keep">Save</button><button name="do" value="go">Send the answers</button>
        </form><style>p { }</style>""")
    assert (page.heading, page.action) == ("Survey", "/there")
    assert fill_in(page, REPLY) == {
        "seal": "7",
        "x": "bad",
        "y": "He had no tools with him.",
        "z": "Bring the tools.",
        "do": "go",
    }
