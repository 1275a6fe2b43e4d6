"""Versions of a rule: drafted by many at once, published from a day, kept when another takes their place (G3, T8)."""

import asyncio
from datetime import date, timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.grading.drafting import (
    SchemeGradedByHand,
    change_grade_rule,
    discard_grade_rule,
    draft_grade_rule,
)
from kedang_tenants.grading.publishing import publish_grade_rule
from kedang_tenants.rules.drafting import DraftExists, RuleSettled
from tests.grading.test_levels import retire, shown, state_of
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("G3", "T8")
RECENTLY = date(2026, 1, 15)


def thresholds(*levels, **more):
    """A rule by the sales of twelve months; levels as (code, minimum)."""
    steps = [{"level": code} | ({} if minimum is None else {"minimum": minimum}) for code, minimum in levels]
    return {
        "kind": "THRESHOLDS",
        "measure": "SALES",
        "period": {"kind": "LAST_MONTHS", "months": 12},
        "levels": steps,
        **more,
    }


EASY = thresholds(("A", "100"), ("B", "50"), ("E", None))


async def draft(shop, scheme, content=EASY, *, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await draft_grade_rule(
            write, viewer or shop.viewer, scheme_id=scheme, content=content, clock=shop.clock, **said
        )


async def change(shop, rule, version, *, viewer=None, **values):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await change_grade_rule(
            write, viewer or shop.viewer, rule_id=rule, version=version, values=values, clock=shop.clock
        )


async def discard(shop, rule, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await discard_grade_rule(write, shop.viewer, rule_id=rule, clock=shop.clock, **said)


async def publish(shop, rule, *, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await publish_grade_rule(write, viewer or shop.viewer, rule_id=rule, clock=shop.clock, **said)


async def versions(shop):
    rows = await shop.fetch("SELECT number, state FROM grade_rule WHERE archived_at IS NULL ORDER BY number")
    return [(row["number"], row["state"]) for row in rows]


async def test_a_draft_touches_nobody_until_it_is_published(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    await shop.order(customer, RECENTLY, ("1", "75"))
    await shop.work()
    assert await shown(shop, customer) == "D"
    rule = await draft(shop, scheme, reason="Everybody was a D")
    await change(shop, rule, 1, content=thresholds(("A", "70"), ("B", "50"), ("E", None)))
    await shop.work()
    assert await versions(shop) == [(1, "IN_FORCE"), (2, "DRAFT")]
    assert await shown(shop, customer) == "D"

    assert await publish(shop, rule, version=2) is not None
    await shop.work()
    assert await versions(shop) == [(1, "SUPERSEDED"), (2, "IN_FORCE")]
    assert await shown(shop, customer) == "A"
    (row,) = await shop.fetch("SELECT rule, rule_version, state FROM grade_scheme")
    assert (row["rule_version"], row["state"], orjson.loads(row["rule"])["version"]) == (2, "PUBLISHED", 2)
    grades = await shop.fetch(
        "SELECT l.code, g.rule_version FROM customer_grade g JOIN grade_level l ON l.id = g.level_id"
        " ORDER BY g.graded_at, g.id"
    )
    assert [(row["code"], row["rule_version"]) for row in grades] == [("D", 1), ("A", 2)]
    kept = await shop.fetch("SELECT content, reason, ended_at FROM grade_rule ORDER BY number")
    assert [row["ended_at"] is None for row in kept] == [False, True]
    assert (kept[1]["reason"], orjson.loads(kept[1]["content"])["levels"][0]) == (
        "Everybody was a D",
        {"level": "A", "minimum": "70"},
    )


async def test_a_draft_begins_as_what_is_in_force_says(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme, content=None)
    contents = await shop.fetch("SELECT content FROM grade_rule ORDER BY number")
    assert contents[0] == contents[1]
    await discard(shop, rule, version=1)
    assert await versions(shop) == [(1, "IN_FORCE")]
    again = await draft(shop, scheme)
    assert await shop.value("SELECT number FROM grade_rule WHERE id = $1", again) == 3


async def test_from_a_day_on_it_is_in_force_when_the_day_begins_where_the_company_is(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    await shop.order(customer, RECENTLY, ("1", "75"))
    await shop.work()
    rule = await draft(shop, scheme)
    assert await publish(shop, rule, in_force_from=date(2026, 3, 5)) is None
    assert await versions(shop) == [(1, "IN_FORCE"), (2, "SCHEDULED")]
    shop.clock.move(timedelta(days=2, hours=14, minutes=59))  # 4 March, 23:59 in New York
    await shop.work()
    assert (await versions(shop), await shown(shop, customer)) == ([(1, "IN_FORCE"), (2, "SCHEDULED")], "D")
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    assert await versions(shop) == [(1, "SUPERSEDED"), (2, "IN_FORCE")]
    assert await shown(shop, customer) == "B"


async def test_a_scheduled_version_gives_way_to_another_day_or_to_a_later_one(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    first = await draft(shop, scheme)
    await publish(shop, first, in_force_from=date(2026, 3, 5))
    await publish(shop, first, in_force_from=date(2026, 3, 9))
    shop.clock.move(timedelta(days=4))
    await shop.work()
    assert await versions(shop) == [(1, "IN_FORCE"), (2, "SCHEDULED")]
    second = await draft(shop, scheme, thresholds(("A", "7"), ("E", None)))
    await publish(shop, second, in_force_from=date(2026, 3, 20))
    assert await versions(shop) == [(1, "IN_FORCE"), (2, "SUPERSEDED"), (3, "SCHEDULED")]
    third = await draft(shop, scheme)
    await publish(shop, third)
    assert await versions(shop) == [(1, "SUPERSEDED"), (2, "SUPERSEDED"), (3, "SUPERSEDED"), (4, "IN_FORCE")]
    shop.clock.move(timedelta(days=30))
    await shop.work()
    assert await shop.value("SELECT rule_version FROM grade_scheme") == 4


async def test_a_level_that_a_version_gives_stays(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    levels = {row["code"]: row["id"] for row in await shop.fetch("SELECT id, code FROM grade_level")}
    rule = await draft(shop, scheme)
    await publish(shop, rule)
    await shop.work()
    later = await draft(shop, scheme, thresholds(("C", "10"), ("E", None)))
    await publish(shop, later, in_force_from=date(2026, 4, 1))
    before = await state_of(shop)
    for level, code in (("A", "LEVEL_IN_FORCE"), ("C", "LEVEL_SCHEDULED")):
        for verb in (shop.archive("grade_level", levels[level]), retire(shop, levels[level], levels["E"])):
            with pytest.raises(Refused) as refused:
                await verb
            assert [error.code for error in refused.value.errors] == [code]
    with pytest.raises(Refused) as refused:
        await shop.update("grade_level", levels["C"], code="C2")
    assert [error.code for error in refused.value.errors] == ["LEVEL_SCHEDULED"]
    assert await state_of(shop) == before
    assert await retire(shop, levels["D"], levels["E"]) == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (thresholds(("A", "50"), ("B", "60"), ("E", None)), "THRESHOLDS_OVERLAP"),
        (thresholds(("A", "50"), ("X", None)), "UNKNOWN_LEVEL"),
        (thresholds(("A", "50"), ("E", None)) | {"measure": "LUCK"}, "UNKNOWN_MEASURE"),
        ([], "INVALID_CONTENT"),
        ({"kind": "x" * 70_000}, "CONTENT_TOO_LARGE"),
    ],
)
async def test_a_content_that_cannot_be_is_never_kept(shop, content, code):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await draft(shop, scheme, content)
    assert code in [error.code for error in refused.value.errors]
    assert refused.value.errors[0].path[:2] == ("input", "content")
    assert await state_of(shop) == before
    rule = await draft(shop, scheme)
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await change(shop, rule, 1, content=content)
    assert code in [error.code for error in refused.value.errors]
    assert await state_of(shop) == before


async def test_what_may_not_be_done_leaves_everything_as_it_is(shop):
    scheme = await shop.publish_default_scheme()
    by_hand = await shop.create("grade_scheme", name="By hand", graded_by="HAND")
    rule = await draft(shop, scheme)
    in_force = await shop.value("SELECT id FROM grade_rule WHERE state = 'IN_FORCE'")
    davolio = await shop.as_member(await shop.hire("Nancy Davolio", "DEPARTMENT_MANAGER"))
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(DraftExists):
        await draft(shop, scheme)
    with pytest.raises(SchemeGradedByHand):
        await draft(shop, by_hand)
    with pytest.raises(SchemeGradedByHand):
        await shop.publish(by_hand)
    for refused, verb in (
        (Forbidden, draft(shop, scheme, viewer=davolio)),
        (Forbidden, change(shop, rule, 1, reason="Mine", viewer=davolio)),
        (Forbidden, publish(shop, rule, viewer=davolio)),
        (NotFound, draft(shop, new_id())),
        (NotFound, publish(shop, new_id())),
        (RuleSettled, change(shop, in_force, 1, reason="Too late")),
        (RuleSettled, publish(shop, in_force)),
        (RuleSettled, discard(shop, in_force)),
    ):
        with pytest.raises(refused):
            await verb
    for verb, code in (
        (publish(shop, rule, in_force_from=date(2026, 3, 1)), "IN_THE_PAST"),
        (publish(shop, rule, version=7), "VERSION_CONFLICT"),
        (discard(shop, rule, version=7), "VERSION_CONFLICT"),
        (change(shop, rule, 7, reason="Late"), "VERSION_CONFLICT"),
    ):
        with pytest.raises(Refused) as told:
            await verb
        assert [error.code for error in told.value.errors] == [code]
    assert await state_of(shop) == before


CHANGE = """
mutation ($id: ID!, $version: Int!, $content: JSON!, $reason: String!) {
  changeGradeRule(input: {id: $id, version: $version, content: $content, reason: $reason}) {
    record { version reason changedBy { id } } userErrors { path code }
  }
}"""
SCHEME = """
mutation ($name: String!, $set: GradeLevelSetCode!) {
  startGradeScheme(input: {name: $name, levelSet: $set}) { record { id } userErrors { code } }
}"""
DRAFT = """
mutation ($scheme: ID!, $content: JSON!) {
  draftGradeRule(input: {schemeId: $scheme, content: $content}) { record { id version } userErrors { path code } }
}"""


async def test_of_twenty_admins_who_edit_one_scheme_at_once_one_wins_and_nineteen_are_told(gateway, company):
    services = gateway.services
    clients = []
    for number in range(20):
        member = await make_member(services.databases, company, "ADMIN", name=f"Admin {number}")
        key = await make_key(services.databases, member, key=services.identity.key)
        clients.append(gateway.client(bearer=key))
    scheme = (await clients[0](SCHEME, {"name": "Value", "set": "A_TO_E"})).data["startGradeScheme"]
    content = thresholds(("A", "100"), ("E", None))
    made = await clients[0](DRAFT, {"scheme": scheme["record"]["id"], "content": content})
    assert made.data["draftGradeRule"]["userErrors"] == []
    rule = made.data["draftGradeRule"]["record"]
    async with services.databases.tenant_read(company.ref) as read:
        audited = await read.fetchval("SELECT count(*) FROM audit")

    async def edit(number):
        minimum = thresholds(("A", str(1000 + number)), ("E", None))
        variables = {**rule, "content": minimum, "reason": f"Admin {number}"}
        return (await clients[number](CHANGE, variables)).data["changeGradeRule"]

    answers = await asyncio.gather(*(edit(number) for number in range(20)))
    (winner,) = [number for number, answer in enumerate(answers) if answer["record"]]
    assert answers[winner]["record"]["version"] == 2
    told = [error for answer in answers for error in answer["userErrors"]]
    assert told == [{"path": ["input", "version"], "code": "VERSION_CONFLICT"}] * 19
    async with services.databases.tenant_read(company.ref) as read:
        (row,) = await read.fetch("SELECT version, reason, content FROM grade_rule")
        assert (row["version"], row["reason"]) == (2, f"Admin {winner}")
        assert orjson.loads(row["content"])["levels"][0]["minimum"] == str(1000 + winner)
        assert await read.fetchval("SELECT count(*) FROM audit") == audited + 1


async def test_a_day_that_begins_later_since_the_company_moved_is_waited_for(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme)
    await publish(shop, rule, in_force_from=date(2026, 3, 5))
    await move_to(shop, "Pacific/Honolulu")
    shop.clock.move(timedelta(hours=63, minutes=30))  # half past midnight in New York, Wednesday in Honolulu
    await shop.work()
    assert await versions(shop) == [(1, "IN_FORCE"), (2, "SCHEDULED")]
    shop.clock.move(timedelta(hours=5))
    await shop.work()
    assert await versions(shop) == [(1, "SUPERSEDED"), (2, "IN_FORCE")]


async def test_what_was_scheduled_before_the_scheme_was_left_to_the_hand_is_not_put_in_force(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme)
    await publish(shop, rule, in_force_from=date(2026, 3, 5))
    await shop.update("grade_scheme", scheme, graded_by="HAND")
    shop.clock.move(timedelta(days=3))
    await shop.work()
    assert await versions(shop) == [(1, "IN_FORCE"), (2, "SCHEDULED")]
    (notice,) = await shop.fetch("SELECT body FROM notice WHERE kind = 'GRADE_CHANGED'")
    assert orjson.loads(notice["body"])["en"] == (
        "Version 2 of the rule of “Value of customers” was to be in force from 2026-03-05, but does not fit any more:"
        " The grades of this scheme are given by hand; it has no rule. Publish it anew, or another one."
    )


async def move_to(shop, zone):
    """The company goes to another time zone."""
    async with shop.databases.control() as control:
        await control.fetch(
            "UPDATE platform.company SET time_zone = $2 WHERE id = $1", shop.company.ref.id, zone
        )


@pytest.mark.parametrize(
    "more",
    [{"version": "\0"}, {"levels": [{"level": "E", "id": "a\0b"}]}, {"unknown": {"level": "E", "x": "\0"}}],
)
async def test_what_no_document_can_hold_is_refused(shop, more):
    scheme = await shop.publish_default_scheme()
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await draft(shop, scheme, EASY | more)
    assert [error.path[:2] for error in refused.value.errors] == [("input", "content")]
    assert await state_of(shop) == before


async def test_choices_that_are_all_called_otherwise_by_now_are_unknown(shop):
    told = {"en": "Standing", "zh": "地位"}
    field = {
        "record": "customer",
        "key": "standing",
        "kind": "CHOICE",
        "label": told,
        "options": ["Gold", "Tin"],
    }
    (own,) = await shop.create_many("custom_field", [field])
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    async with shop.databases.tenant_write(shop.company.ref) as write:
        gold = f'{{"{own.hex}": "Gold"}}'
        await write.fetch("UPDATE customer SET custom = $2 WHERE id = $1", customer, gold)
    scheme = await shop.publish_default_scheme()
    content = {
        "kind": "SCORE",
        "criteria": [{"measure": f"custom:{own.hex}", "weight": 100, "options": {"Gold": 90, "Tin": 10}}],
        "levels": [{"level": "A", "minimum": "80"}, {"level": "E"}],
        "unknown": "D",
    }
    await publish(shop, await draft(shop, scheme, content))
    await shop.work()
    assert await shown(shop, customer) == "A"
    await shop.update("custom_field", own, options=["First", "Second"])
    await shop.update("customer", customer, city="Berlin")
    await shop.work()
    assert await shown(shop, customer) == "D"
