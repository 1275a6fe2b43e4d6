"""A customer that fell to a worse grade is at risk (A18, G3)."""

from datetime import UTC, datetime

import pytest

from tests.support.factories import Factory
from tests.watching.support import DAY, MONDAY, checks, entries, night, rule, told

pytestmark = pytest.mark.requirement("A18", "G3")
FELL = {"value": "C", "threshold": "A", "rank": 3}


@pytest.fixture
async def grades(shop):
    return await Grades(Factory(shop.databases, shop.company, shop.clock)).set_up()


class Grades:
    """A leading scheme of the levels A to D and one that stands beside it; who had which level when."""

    def __init__(self, factory):
        self._factory = factory
        self._made = []

    async def set_up(self):
        self.leading = await self._scheme("value", leads=True)
        self.beside = await self._scheme("credit", leads=False)
        return self

    async def _scheme(self, code, *, leads):
        scheme = await self._factory.one("grade_scheme", name=code, leads=leads, rule_version=1)
        levels = {}
        for place, level in enumerate("ABCD", 1):
            name = {"en": level, "zh": level}
            levels[level] = await self._factory.one(
                "grade_level", scheme_id=scheme, code=level, name=name, position=place
            )
        return scheme, levels

    async def had(self, customer, *levels, scheme=None):
        """The customer has had these levels one after the other, each since so many days ago."""
        scheme_id, of_code = scheme or self.leading
        for place, (level, days) in enumerate(levels):
            last = place == len(levels) - 1
            ended = None if last else at(levels[place + 1][1])
            made = await self._factory.one(
                "customer_grade", customer_id=customer, scheme_id=scheme_id, level_id=of_code[level], current=last,
                graded_at=at(days), ended_at=ended, rule_version=1,
            )  # fmt: skip
            self._made.append((made, customer))
        if scheme is None:
            shown = {"grade_level_id": of_code[level], "grade_rank": "ABCD".index(level) + 1}
            await self._factory.update("customer", customer, **shown)

    async def end(self, customer, days):
        """What the customer has now ended so many days ago."""
        (current,) = [made for made, of in self._made if of == customer][-1:]
        await self._factory.update("customer_grade", current, current=False, ended_at=at(days))

    async def retire(self, code):
        await self._factory.archive("grade_level", self.leading[1][code])


def at(days):
    day = MONDAY - days * DAY
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


async def test_who_fell_within_the_days_of_the_rule_is_at_risk_and_checked(shop, people, grades):
    for name, levels in {
        "Falls": [("A", 300), ("C", 40)],
        "Fell long ago": [("A", 300), ("C", 100)],
        "Rises": [("C", 300), ("A", 40)],
        "Is judged anew": [("B", 300), ("B", 20)],
        "Comes": [("D", 10)],
        "Falls by and by": [("A", 80), ("B", 60), ("C", 30)],
        "Recovers in part": [("A", 80), ("D", 60), ("C", 30)],
        "Is as good again": [("A", 80), ("D", 60), ("A", 30)],
    }.items():
        await grades.had(await shop.create("customer", name=name, owner_id=people["Nancy"]), *levels)
    beside = await shop.create("customer", name="Falls beside", owner_id=people["Nancy"])
    await grades.had(beside, ("A", 300), ("C", 40), scheme=grades.beside)
    await night(shop)
    expected = ("Falls", "Falls by and by", "Recovers in part")
    assert await entries(shop) == [(name, "RISK", {"GRADE_FALL": FELL}, None) for name in expected]
    assert {plan["why"] for plan in await checks(shop)} == {"The grade fell from A to C."}
    assert "Customers at risk: Falls – The grade fell from A to C." in (await told(shop))[0]["body"]
    (why,) = {row["why"] for row in await shop.fetch("SELECT why->>'zh' AS why FROM watch_entry")}
    assert "A" in why
    assert "C" in why
    shop.clock.move(51 * DAY)
    await night(shop)
    standing = [(name, reasons) for name, _, reasons, ended in await entries(shop) if ended is None]
    assert standing == [("Falls by and by", {"GRADE_FALL": {**FELL, "threshold": "B"}})]
    await rule(shop, risk={"grade_fall_days": None})
    await night(shop)
    assert [name for name, _, _, ended in await entries(shop) if ended is None] == []


async def test_a_further_fall_is_told_again_and_a_level_that_was_retired_is_none_to_fall_from(
    shop, people, grades
):
    customer = await shop.create("customer", name="Falls", owner_id=people["Nancy"])
    moved = await shop.create("customer", name="Moved", owner_id=people["Nancy"])
    await grades.had(customer, ("B", 300), ("C", 40))
    await grades.had(moved, ("A", 300), ("C", 40))
    await grades.retire("A")
    await night(shop)
    assert [name for name, *_ in await entries(shop)] == ["Falls"]
    before = len(await told(shop))
    await grades.end(customer, days=1)
    await grades.had(customer, ("D", 1))
    shop.clock.move(DAY)
    await night(shop)
    assert [one["body"] for one in (await told(shop))[before:]] == [
        "Customers at risk: Falls – The grade fell from B to D."
    ] * 2
