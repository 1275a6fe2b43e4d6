"""A version of a rule from its draft to its end."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants import rules
from kedang_tenants.rules import life

pytestmark = pytest.mark.requirement("T8")
APRIL = date(2026, 4, 1)


def codes(refused) -> list[tuple[str, tuple]]:
    return [(error.code, tuple(error.path)) for error in refused.value.errors]


async def test_a_draft_names_its_drafter_department_and_what_it_is_based_on(book):
    first = await book.approved(5)
    second = await book.draft(10)
    (row,) = await book.shop.fetch(
        "SELECT v.number, v.state, v.based_on_id, v.drafted_by_id, d.name FROM rule_version v"
        " JOIN department d ON d.id = v.department_id WHERE v.id = $1",
        second,
    )
    assert row == {
        "number": 2,
        "state": "DRAFT",
        "based_on_id": first,
        "drafted_by_id": book.manager,
        "name": "Sales",
    }


async def test_what_is_wrong_is_told_by_its_path_and_nothing_is_written(book):
    with pytest.raises(Refused) as refused:
        await book.draft(5, 31, -1)
    assert codes(refused) == [
        ("OUT_OF_RANGE", ("input", "content", "levels", 1)),
        ("OUT_OF_RANGE", ("input", "content", "levels", 2)),
    ]
    assert await book.everything() == []
    draft = await book.draft(5)
    before = await book.everything()
    with pytest.raises(Refused):
        await book.change(draft, 1, content={"levels": [99]})
    with pytest.raises(Refused) as refused:
        await book.change(draft, 1, content=[1])
    assert codes(refused) == [("INVALID_CONTENT", ("input", "content"))]
    deep: list = []
    for _ in range(30):
        deep = [deep]
    for content in ({"levels": [], "text": "x" * 70_000}, {"deep": deep}):
        with pytest.raises(rules.ContentTooLarge):
            await book.change(draft, 1, content=content)
    assert await book.everything() == before


async def test_of_twenty_editors_of_one_draft_one_wins(book):
    draft = await book.draft(0)
    attempts = await asyncio.gather(
        *(book.change(draft, 1, content={"levels": [n]}) for n in range(1, 21)), return_exceptions=True
    )
    (winner,) = (n for n, made in enumerate(attempts, 1) if isinstance(made, UUID))
    late = [each for each in attempts if not isinstance(each, UUID)]
    assert {each.errors[0].code for each in late} == {"VERSION_CONFLICT"}
    assert len(late) == 19
    rows = await book.shop.fetch("SELECT version, content::text AS content FROM rule_version")
    assert rows == [{"version": 2, "content": f'{{"levels": [{winner}]}}'}]


async def test_there_is_one_open_version_of_a_kind(book):
    made = await asyncio.gather(*(book.draft(n) for n in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["DraftExists"] * 3 + ["UUID"]
    (draft,) = (each for each in made if isinstance(each, UUID))
    await book.step(life.submit, draft)
    with pytest.raises(rules.DraftExists):
        await book.draft(5)


async def test_a_draft_thrown_away_makes_room_and_its_number_is_not_used_again(book):
    draft = await book.draft(5)
    await book.step(rules.discard_rule_draft, draft)
    with pytest.raises(NotFound):
        await book.change(draft, 1, content={})
    await book.draft(6)
    numbers = await book.shop.fetch("SELECT number, archived_at FROM rule_version ORDER BY number")
    assert numbers == [
        {"number": 1, "archived_at": book.shop.clock.now()},
        {"number": 2, "archived_at": None},
    ]


async def test_approved_without_a_day_it_is_in_force_at_once_and_ends_the_one_before(book):
    first = await book.approved(5)
    found = await book.in_force()
    assert (found.id, found.number, found.content) == (first, 1, {"levels": [5]})
    book.shop.clock.move(timedelta(days=1))
    second = await book.approved(10)
    assert (await book.in_force()).id == second
    rows = await book.shop.fetch("SELECT state, in_force_at, ended_at FROM rule_version ORDER BY number")
    now = book.shop.clock.now()
    assert rows == [
        {"state": "SUPERSEDED", "in_force_at": now - timedelta(days=1), "ended_at": now},
        {"state": "IN_FORCE", "in_force_at": now, "ended_at": None},
    ]


async def test_a_job_puts_it_in_force_when_its_day_begins_where_the_company_is(book):
    first = await book.approved(5)
    second = await book.approved(10, day=APRIL)
    assert (await book.state(second), (await book.in_force()).id) == ("APPROVED", first)
    book.shop.clock.instant = datetime(2026, 4, 1, 3, 59, tzinfo=UTC)  # a minute to midnight in New York
    await book.shop.work()
    assert (await book.in_force()).id == first
    book.shop.clock.move(timedelta(minutes=1))
    await book.shop.work()
    assert (await book.in_force()).id == second
    assert await book.state(first) == "SUPERSEDED"
    async with book.shop.databases.tenant_read(book.shop.company.ref) as read:
        at = book.shop.clock.now()
        assert (await rules.in_force_on(read, "discounts", at=at)).id == second
        assert (await rules.in_force_on(read, "discounts", at=at - timedelta(seconds=1))).id == first
        assert await rules.in_force_on(read, "discounts", at=at - timedelta(days=99)) is None


async def test_a_later_version_for_an_earlier_day_overtakes_the_one_that_waits(book):
    waiting = await book.approved(10, day=APRIL)
    newer = await book.approved(20)
    assert await book.state(waiting) == "SUPERSEDED"
    book.shop.clock.instant = datetime(2026, 4, 2, tzinfo=UTC)
    await book.shop.work()
    assert (await book.in_force()).id == newer


async def test_the_job_may_come_twice_or_too_early(book):
    version = await book.approved(10, day=APRIL)
    product = await book.shop.product()

    async def put() -> bool:
        async with book.shop.databases.tenant_write(book.shop.company.ref) as write:
            return await rules.put_in_force(write, product, version_id=version, clock=book.shop.clock)

    assert await put() is False
    assert await book.state(version) == "APPROVED"
    book.shop.clock.instant = datetime(2026, 4, 1, 5, tzinfo=UTC)
    assert [await put(), await put()] == [True, False]
    book.shop.clock.move(timedelta(days=1))
    before = await book.everything()
    await book.shop.work()
    assert await book.everything() == before


async def test_refused_returned_and_repealed(book):
    draft = await book.draft(5)
    await book.step(life.submit, draft)
    await book.step(life.give_back, draft, remark="Too much")
    await book.change(draft, 3, content={"levels": [4]})
    await book.step(life.submit, draft)
    await book.step(life.refuse, draft, remark="Still too much")
    assert await book.shop.fetch("SELECT state, remark FROM rule_version") == [
        {"state": "REFUSED", "remark": "Still too much"}
    ]
    standing = await book.approved(3)
    waiting = await book.approved(2, day=APRIL)
    for version in (waiting, standing):
        await book.step(life.repeal, version, remark="No longer")
    assert await book.in_force() is None
    book.shop.clock.instant = datetime(2026, 4, 2, tzinfo=UTC)
    await book.shop.work()
    assert [await book.state(each) for each in (standing, waiting)] == ["REPEALED", "REPEALED"]


async def test_each_step_is_taken_from_its_state_only(book):
    standing = await book.approved(3)
    draft = await book.draft(5)
    before = await book.everything()
    remark = {"remark": None}
    wrong = [
        (life.approve, draft, {"approved_by": None, **remark}),
        (life.refuse, draft, remark),
        (life.give_back, draft, remark),
        (life.repeal, draft, remark),
        (life.submit, standing, {}),
        (life.approve, standing, {"approved_by": None, **remark}),
        (rules.discard_rule_draft, standing, {}),
    ]
    for verb, version, more in wrong:
        with pytest.raises(rules.RuleSettled):
            await book.step(verb, version, **more)
    with pytest.raises(rules.RuleSettled):
        await book.change(standing, 3, content={})
    with pytest.raises(NotFound):
        await book.step(life.submit, new_id())
    assert await book.everything() == before


async def test_who_may_draft_and_whose_drafts(book):
    shop = book.shop
    seller = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    other = await shop.hire("Laura Callahan", "DEPARTMENT_MANAGER")
    seatless = await shop.hire("Anne Dodsworth", "DEPARTMENT_MANAGER", seat="VIEW_ONLY")
    for member in (seller, seatless):
        with pytest.raises(Forbidden):
            await book.draft(5, by=member)
    assert await book.everything() == []
    draft = await book.draft(5)
    before = await book.everything()
    for member in (seller, seatless, other):
        with pytest.raises(Forbidden):
            await book.change(draft, 1, by=member, reason="Mine")
        with pytest.raises(Forbidden):
            await book.step(life.submit, draft, by=member)
    assert await book.everything() == before
    await book.change(draft, 1, by=shop.viewer.member_id, reason="The owner may")
    with pytest.raises(rules.UnknownRuleKind):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await rules.draft_rule(write, shop.viewer, kind="nothing", content={}, clock=shop.clock)


async def test_the_content_is_checked_again_when_it_is_submitted_and_when_it_is_approved(book, monkeypatch):
    async def nothing(*_):
        return []

    lenient = rules.RuleKind("discounts", "Discounts", nothing)
    draft = await book.draft(5)
    with monkeypatch.context() as patched:
        patched.setitem(rules.kinds._kinds, "discounts", lenient)
        await book.change(draft, 1, content={"levels": [99]})
    with pytest.raises(Refused):
        await book.step(life.submit, draft)
    assert await book.state(draft) == "DRAFT"
    with monkeypatch.context() as patched:
        patched.setitem(rules.kinds._kinds, "discounts", lenient)
        await book.step(life.submit, draft)
    with pytest.raises(Refused):
        await book.step(life.approve, draft, approved_by=None, remark=None)
    assert await book.state(draft) == "SUBMITTED"


async def test_a_decision_is_stamped_with_the_version_that_it_was_made_under(book):
    async def stamped() -> dict[str, object]:
        async with book.shop.databases.tenant_read(book.shop.company.ref) as read:
            return await rules.stamp(read, "discounts", {"granted": True})

    assert await stamped() == {"granted": True, "rule_version_id": None}
    first = await book.approved(5)
    assert await stamped() == {"granted": True, "rule_version_id": first}


async def test_the_product_itself_gives_a_company_what_it_begins_with(book):
    async def establish(viewer):
        async with book.shop.databases.tenant_write(book.shop.company.ref) as write:
            return await rules.establish(
                write, viewer, kind="discounts", content={"levels": [1]}, clock=book.shop.clock
            )

    with pytest.raises(Forbidden):
        await establish(book.shop.viewer)
    assert await book.everything() == []
    made = await establish(await book.shop.product())
    assert ((await book.in_force()).id, (await book.in_force()).number) == (made, 1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [(("a",), "CHANGED", 1, True)]),
        ({"a": None}, {}, [(("a",), "REMOVED", None, None)]),
        ({}, {"a": None}, [(("a",), "ADDED", None, None)]),
        (
            {"roles": {"X": ["own", "all"]}, "b": 2},
            {"roles": {"X": ["own"], "Y": []}, "b": {"c": 2}},
            [
                (("b",), "CHANGED", 2, {"c": 2}),
                (("roles", "X", 1), "REMOVED", "all", None),
                (("roles", "Y"), "ADDED", None, []),
            ],
        ),
    ],
)
def test_what_two_versions_say_otherwise(before, after, told):
    found = rules.differences(before, after)
    assert [(each.path, each.kind, each.before, each.after) for each in found] == told
