"""Answering by the link: saved as one goes, handed in once, changed for a while, refused afterwards (V4)."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.ids import new_id
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.surveys.answering import (
    BY_PAGE,
    InvitationExpired,
    InvitationUnknown,
    InvitationUsed,
    open_invitation,
    save_answers,
    submit_answer,
)
from kedang_tenants.surveys.entries import AnswersRefused, Entry
from tests.support.answering import NAME, QUESTIONS, ask
from tests.support.digests import digests

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
EVENTS = "SELECT via, actor_id, changes FROM audit WHERE action = 'survey_answer.submitted' ORDER BY sequence"


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
async def asked(databases, company, clock):
    return await ask(databases, company, clock=clock)


@pytest.fixture
async def invited(asked):
    return await asked.invite(expires_at=NOW + timedelta(days=14))


async def shown(asked, invited, clock):
    async with asked.databases.tenant_read(asked.company.ref) as read:
        return await open_invitation(read, token=invited.token, now=clock.now())


async def done(verb, asked, invited, clock, *entries):
    async with asked.databases.tenant_write(asked.company.ref) as write:
        viewer = await system_viewer(write, company=asked.company, via=BY_PAGE)
        return await verb(write, viewer, invitation_id=invited.id, entries=entries, clock=clock)


async def save(*arguments):
    return await done(save_answers, *arguments)


async def submit(*arguments):
    return await done(submit_answer, *arguments)


async def stored(asked):
    return await digests(asked.databases, asked.company.ref)


def fine(asked, level="VERY_SATISFIED"):
    return asked.entry("punctual", level=level)


@pytest.mark.requirement("V4")
async def test_the_link_opens_the_questions_in_their_order(asked, invited, clock):
    sheet = await shown(asked, invited, clock)
    assert (sheet.name, sheet.standing, sheet.language, sheet.about) == (NAME, "OPEN", "en", None)
    assert [item.id for item in sheet.items] == [asked.items[key] for key, *_ in QUESTIONS]
    assert [item.depth for item in sheet.items] == [0, 1, 1, 0, 0, 0, 0, 0]
    assert [item.required for item in sheet.items] == [False, True, False, False, False, False, False, False]
    assert [offer.code for offer in sheet.items[4].offers] == ["PHONE", "EMAIL", "NEVER"]
    assert sheet.given == {}


async def test_opening_changes_nothing_since_scanners_of_mail_open_links_too(asked, invited, clock):
    before = await stored(asked)
    for _ in range(3):
        await shown(asked, invited, clock)
    assert await stored(asked) == before


@pytest.mark.requirement("V4", "T1")
@pytest.mark.parametrize("flaw", ["other company", "changed", "archived", "skipped"])
async def test_a_link_that_opens_nothing_here_is_unknown(databases, two_companies, clock, flaw):
    asked = await ask(databases, two_companies[0], clock=clock)
    if flaw == "other company":
        other = await ask(databases, two_companies[1], clock=clock)
        token = (await other.invite(expires_at=NOW + timedelta(days=1))).token
    else:
        invited = await asked.invite(
            expires_at=NOW + timedelta(days=1), state="SKIPPED" if flaw == "skipped" else "SENT"
        )
        token = invited.token
    if flaw == "changed":
        token = bytes([token[0] ^ 1]) + token[1:]
    if flaw == "archived":
        await asked.factory.archive("survey_invitation", invited.id)
    async with databases.tenant_read(asked.company.ref) as read:
        with pytest.raises(InvitationUnknown):
            await open_invitation(read, token=token, now=NOW)


async def test_it_says_what_it_is_about_by_the_number_that_the_customer_knows(asked, clock):
    delivery = await asked.factory.one("delivery", number="DL-2026-0815")
    invited = await asked.invite(subject=f"del_{delivery.hex}", expires_at=NOW + timedelta(days=1))
    assert (await shown(asked, invited, clock)).about == "DL-2026-0815"


@pytest.mark.requirement("V4")
async def test_what_is_saved_is_there_on_return(asked, invited, clock):
    await save(asked, invited, clock, fine(asked), asked.entry("wishes", text=" Come earlier. "))
    await save(asked, invited, clock, asked.entry("skill", level="NOT_SATISFIED", comment="He was new."))
    assert await asked.given(invited) == {
        "punctual": "VERY_SATISFIED",
        "wishes": "Come earlier.",
        "skill": ("NOT_SATISFIED", "He was new."),
    }
    sheet = await shown(asked, invited, clock)
    assert sheet.standing == "OPEN"
    assert sheet.given[asked.items["skill"]]["comment"] == "He was new."
    answer = await asked.answer_to(invited)
    assert (answer["state"], answer["source"], answer["submitted_at"]) == ("STARTED", "PAGE", None)
    assert answer["customer_id"] == asked.customer_id
    (invitation,) = await asked.rows("SELECT state, opened_at, answered_at FROM survey_invitation")
    assert invitation == {"state": "OPENED", "opened_at": NOW, "answered_at": None}
    assert await asked.rows(EVENTS) == []


async def test_what_is_emptied_is_gone_and_what_is_said_again_changes_nothing(asked, invited, clock):
    await save(asked, invited, clock, fine(asked), asked.entry("wishes", text="Come earlier."))
    before = await stored(asked)
    clock.move(timedelta(minutes=1))
    await save(asked, invited, clock, fine(asked))
    assert await stored(asked) == before
    await save(asked, invited, clock, asked.entry("wishes", text=""))
    assert await asked.given(invited) == {"punctual": "VERY_SATISFIED"}


async def test_an_empty_form_begins_no_answer(asked, invited, clock):
    before = await stored(asked)
    await save(asked, invited, clock, asked.entry("wishes", text=" "), asked.entry("skill", comment=None))
    assert await stored(asked) == before


@pytest.mark.requirement("V4", "V1")
async def test_handing_in_works_out_what_the_answer_says_in_all(asked, invited, clock):
    await submit(
        asked,
        invited,
        clock,
        asked.entry("punctual", level="VERY_SATISFIED"),
        asked.entry("skill", level="BASICALLY_SATISFIED", comment="Two visits."),
        asked.entry("recommend", number=Decimal(9)),
        asked.entry("contact", choice="EMAIL"),
        asked.entry("machines", number=Decimal("2.5")),
        asked.entry("visited", day=date(2026, 3, 1)),
        asked.entry("wishes", text="第一行\n第二行"),
    )
    assert await asked.given(invited) == {
        "punctual": "VERY_SATISFIED",
        "skill": ("BASICALLY_SATISFIED", "Two visits."),
        "recommend": 9,
        "contact": "EMAIL",
        "machines": Decimal("2.5"),
        "visited": date(2026, 3, 1),
        "wishes": "第一行\n第二行",
    }
    answer = await asked.answer_to(invited)
    assert (answer["state"], answer["submitted_at"], answer["started_at"]) == ("SUBMITTED", NOW, NOW)
    assert (answer["satisfaction"], answer["nps"], answer["unhappy"]) == (Decimal(4), 9, False)
    (invitation,) = await asked.rows("SELECT state, opened_at, answered_at FROM survey_invitation")
    assert invitation == {"state": "ANSWERED", "opened_at": NOW, "answered_at": NOW}


@pytest.mark.requirement("V4", "T7")
async def test_the_audit_trail_tells_that_the_customer_wrote_it(asked, invited, clock):
    await submit(asked, invited, clock, fine(asked, "NOT_SATISFIED"))
    (event,) = await asked.rows(EVENTS)
    assert (event["via"], event["actor_id"]) == (BY_PAGE, None)
    assert orjson.loads(event["changes"])["unhappy"] == [None, True]
    written = await asked.rows(
        "SELECT DISTINCT record, via FROM audit WHERE record IN ('survey_answer', 'survey_item_answer')"
    )
    assert {(row["record"], row["via"]) for row in written} == {
        ("survey_answer", BY_PAGE),
        ("survey_item_answer", BY_PAGE),
    }


@pytest.mark.requirement("V4")
async def test_a_double_send_stores_one_answer_and_tells_of_it_once(asked, invited, clock):
    first = await submit(asked, invited, clock, fine(asked))
    before = await stored(asked)
    clock.move(timedelta(seconds=1))
    assert await submit(asked, invited, clock, fine(asked)) == first
    assert await stored(asked) == before
    assert len(await asked.rows(EVENTS)) == 1


@pytest.mark.requirement("V4")
async def test_of_answers_sent_side_by_side_one_is_stored(asked, invited, clock):
    levels = ("VERY_SATISFIED", "NOT_SATISFIED")
    sent = [submit(asked, invited, clock, fine(asked, levels[n % 2])) for n in range(8)]
    saved = [save(asked, invited, clock, asked.entry("wishes", text=f"{n}")) for n in range(4)]
    results = await asyncio.gather(*sent, *saved, return_exceptions=True)
    assert {type(result) for result in results[8:]} <= {type(None), InvitationUsed}
    assert len({*results[:8]}) == 1
    answer = await asked.answer_to(invited)
    assert answer["id"] == results[0]
    given = await asked.given(invited)
    assert answer["satisfaction"] == {"VERY_SATISFIED": 5, "NOT_SATISFIED": 1}[given["punctual"]]
    assert len(await asked.rows("SELECT 1 FROM survey_item_answer WHERE level IS NOT NULL")) == 1


@pytest.mark.requirement("V4")
async def test_a_required_question_is_asked_for_and_nothing_is_handed_in(asked, invited, clock):
    await save(asked, invited, clock, asked.entry("skill", level="VERY_SATISFIED"))
    before = await stored(asked)
    with pytest.raises(AnswersRefused) as refused:
        await submit(asked, invited, clock, asked.entry("punctual", comment="Hm."))
    assert [error.code for error in refused.value.errors] == ["REQUIRED"]
    assert refused.value.items == [asked.items["punctual"]]
    assert await stored(asked) == before


@pytest.mark.requirement("V4")
async def test_an_empty_sheet_is_no_answer_also_where_nothing_is_required(asked, invited, clock):
    """Who taps on “send” too early keeps the link, and counts as nobody who answered."""
    async with asked.databases.tenant_write(asked.company.ref) as write:
        await write.fetch("UPDATE survey_item SET required = false")
    before = await stored(asked)
    with pytest.raises(AnswersRefused) as refused:
        await submit(asked, invited, clock, asked.entry("wishes", text=" "))
    assert [error.code for error in refused.value.errors] == ["NOTHING_ANSWERED"]
    assert refused.value.items == [asked.items["punctual"]]
    assert await stored(asked) == before
    await submit(asked, invited, clock, asked.entry("skill", comment="Friendly."))
    assert await asked.given(invited) == {"skill": (None, "Friendly.")}


@pytest.mark.requirement("V4", "V1")
@pytest.mark.parametrize(
    ("key", "values", "code"),
    [
        ("punctual", {"level": "SATISFIED"}, "UNKNOWN_VALUE"),
        ("punctual", {"text": "good"}, "NOT_ASKED"),
        ("punctual", {"comment": "x" * 2001}, "TOO_LONG"),
        ("recommend", {"number": Decimal(11)}, "OUT_OF_RANGE"),
        ("recommend", {"number": Decimal(-1)}, "OUT_OF_RANGE"),
        ("recommend", {"number": Decimal("7.5")}, "INVALID_NUMBER"),
        ("recommend", {"comment": "none is asked for"}, "NOT_ASKED"),
        ("contact", {"choice": "FAX"}, "UNKNOWN_VALUE"),
        ("machines", {"number": "many"}, "INVALID_NUMBER"),
        ("visited", {"day": "2026-02-30"}, "INVALID_DATE"),
        ("wishes", {"text": "x" * 2001}, "TOO_LONG"),
        ("service", {"level": "VERY_SATISFIED"}, "NOT_ASKED"),
        ("service", {"comment": "none is asked for"}, "NOT_ASKED"),
    ],
)
async def test_what_does_not_fit_the_question_is_refused_whole(asked, invited, clock, key, values, code):
    before = await stored(asked)
    others = [] if key == "punctual" else [fine(asked)]
    for verb in (save, submit):
        with pytest.raises(AnswersRefused) as refused:
            await verb(asked, invited, clock, *others, asked.entry(key, **values))
        (error,) = refused.value.errors
        assert (error.code, error.path) == (code, ("input", "entries", len(others), *values))
        assert refused.value.items == [asked.items[key]]
    assert await stored(asked) == before


@pytest.mark.requirement("V4")
async def test_questions_of_another_version_and_questions_twice_are_refused(databases, asked, invited, clock):
    other = await ask(databases, asked.company, clock=clock)
    for entries, code in (
        ([fine(asked), other.entry("skill", level="NOT_SATISFIED")], "NOT_FOUND"),
        ([fine(asked), Entry(new_id(), {"text": "x"})], "NOT_FOUND"),
        ([fine(asked), fine(asked, "NOT_SATISFIED")], "TWICE"),
    ):
        before = await stored(asked)
        with pytest.raises(AnswersRefused) as refused:
            await submit(asked, invited, clock, *entries)
        assert [error.code for error in refused.value.errors] == [code]
        assert await stored(asked) == before


@pytest.mark.requirement("V4")
async def test_an_answer_can_be_changed_for_the_hours_given_and_counts_anew(asked, invited, clock):
    await submit(asked, invited, clock, fine(asked), asked.entry("wishes", text="More."))
    clock.move(timedelta(hours=24) - timedelta(seconds=1))
    sheet = await shown(asked, invited, clock)
    assert (sheet.standing, sheet.editable_until) == ("EDITABLE", NOW + timedelta(hours=24))
    await submit(asked, invited, clock, fine(asked, "NOT_VERY_SATISFIED"))
    answer = await asked.answer_to(invited)
    assert (answer["satisfaction"], answer["unhappy"], answer["submitted_at"]) == (Decimal(2), True, NOW)
    assert await asked.given(invited) == {"punctual": "NOT_VERY_SATISFIED", "wishes": "More."}
    told = [orjson.loads(row["changes"])["satisfaction"][1] for row in await asked.rows(EVENTS)]
    assert told == ["5.00", "2.00"]
    clock.move(timedelta(seconds=1))
    assert (await shown(asked, invited, clock)).standing == "USED"
    before = await stored(asked)
    with pytest.raises(InvitationUsed):
        await submit(asked, invited, clock, fine(asked))
    assert await stored(asked) == before


async def test_what_was_handed_in_is_not_changed_bit_by_bit(asked, invited, clock):
    await submit(asked, invited, clock, fine(asked))
    before = await stored(asked)
    with pytest.raises(InvitationUsed):
        await save(asked, invited, clock, fine(asked, "NOT_SATISFIED"))
    assert await stored(asked) == before


@pytest.mark.parametrize(("hours", "days", "until"), [(0, 14, None), (48, 1, timedelta(days=1))])
async def test_changing_may_be_off_and_never_outlasts_the_invitation(
    databases, company, clock, hours, days, until
):
    asked = await ask(databases, company, clock=clock, edit_hours=hours)
    invited = await asked.invite(expires_at=NOW + timedelta(days=days))
    await submit(asked, invited, clock, fine(asked))
    sheet = await shown(asked, invited, clock)
    assert sheet.editable_until == (NOW + until if until else None)
    assert sheet.standing == ("EDITABLE" if until else "USED")
    clock.move(timedelta(days=1))
    assert (await shown(asked, invited, clock)).standing == "USED"


@pytest.mark.requirement("V4")
@pytest.mark.parametrize("why", ["late", "EXPIRED", "CANCELLED"])
async def test_after_the_end_nothing_is_written(asked, clock, why):
    state = "SENT" if why == "late" else why
    invited = await asked.invite(expires_at=NOW + timedelta(days=0 if why == "late" else 9), state=state)
    assert (await shown(asked, invited, clock)).standing == "EXPIRED"
    before = await stored(asked)
    for verb in (save, submit):
        with pytest.raises(InvitationExpired):
            await verb(asked, invited, clock, fine(asked))
    assert await stored(asked) == before
