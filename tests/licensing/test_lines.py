"""The line upward never closes: superiors and departments (T2)."""

import asyncio

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change
from tests.support.members import make_member, viewer_of


class Line:
    """Five members and what their owner says of who stands above whom."""

    def __init__(self, databases, company, viewer, members):
        self.databases, self.company, self.viewer, self.members = databases, company, viewer, members

    async def write(self, *changes):
        async with self.databases.tenant_write(self.company.ref) as write:
            await change(write, self.viewer, changes, clock=SystemClock())

    async def put_under(self, *pairs):
        """Each pair: who, and under whom."""
        await self.write(
            *(
                Change("member", "update", self.members[who], values={"superior_id": self.members[above]})
                for who, above in pairs
            )
        )

    async def above(self):
        async with self.databases.tenant_read(self.company.ref) as read:
            rows = await read.fetch("SELECT id, superior_id FROM member")
        number = {member: index for index, member in enumerate(self.members)}
        return {number[row["id"]]: number.get(row["superior_id"]) for row in rows}


@pytest.fixture
async def line(databases, company):
    members = [await make_member(databases, company, "OWNER", name=f"M {n}") for n in range(5)]
    return Line(databases, company, await viewer_of(databases, members[0]), [one.id for one in members])


def codes(refused):
    return [(error.code, error.path[-1]) for error in refused.value.errors]


@pytest.mark.requirement("T2")
async def test_a_line_grows_and_may_be_bent(line):
    await line.put_under((1, 0), (2, 1), (3, 2))
    await line.put_under((3, 0))
    await line.put_under((2, 3), (1, 2))
    assert await line.above() == {0: None, 1: 2, 2: 3, 3: 0, 4: None}


@pytest.mark.requirement("T2")
@pytest.mark.parametrize("pairs", [[(0, 0)], [(0, 1)], [(0, 3)], [(4, 3), (0, 4)]])
async def test_a_line_that_would_close_is_refused(line, pairs):
    await line.put_under((1, 0), (2, 1), (3, 2))
    before = await line.above()
    with pytest.raises(Refused) as refused:
        await line.put_under(*pairs)
    assert ("CIRCULAR", "superiorId") in codes(refused)
    assert await line.above() == before


@pytest.mark.requirement("T2")
async def test_departments_lie_in_no_part_of_their_own(line):
    sales, london, team = (new_id() for _ in range(3))
    for department, name, parent in (
        (sales, "Sales", None),
        (london, "London", sales),
        (team, "Team", london),
    ):
        await line.write(
            Change("department", "create", department, values={"name": name, "parent_id": parent})
        )
    with pytest.raises(Refused) as refused:
        await line.write(Change("department", "update", sales, values={"parent_id": team}))
    assert codes(refused) == [("CIRCULAR", "parentId")]
    with pytest.raises(Refused):
        await line.write(Change("department", "update", team, values={"parent_id": team}))
    await line.write(Change("department", "update", team, values={"parent_id": sales}))


async def test_two_lines_that_would_close_together_do_not(line):
    """0 above 1 and 2 above 3; at once 0 goes under 3 and 2 under 1."""
    for _ in range(5):
        await line.put_under((1, 0), (3, 2))
        told = await asyncio.gather(line.put_under((0, 3)), line.put_under((2, 1)), return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in told) == ["NoneType", "Refused"]
        loose = [Change("member", "update", member, values={"superior_id": None}) for member in line.members]
        await line.write(*loose)
