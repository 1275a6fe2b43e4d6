"""One statement for one record: what its parts become, and that the row, its audit and its job need no second."""

from kedang_platform.clock import FixedClock
from kedang_platform.database.noting import open_ledger
from kedang_tenants.changing import Change, change
from kedang_tenants.changing.statements import OneRow, together


def test_places_of_a_later_part_follow_those_of_the_earlier_ones():
    parts = [
        OneRow("INSERT INTO a VALUES ($1, $2)", ["a1", "a2"]),
        OneRow("INSERT INTO b VALUES ($1) ON CONFLICT DO NOTHING", ["b1"]),
        OneRow("UPDATE c SET x = $11 WHERE id = $1", [f"c{n}" for n in range(1, 12)]),
    ]
    whole = together(parts)
    assert whole.sql == (
        "WITH part0 AS (INSERT INTO a VALUES ($1, $2)), part1 AS (INSERT INTO b VALUES ($3) ON CONFLICT DO NOTHING)"
        " UPDATE c SET x = $14 WHERE id = $4"
    )
    assert whole.values == ["a1", "a2", "b1", *(f"c{n}" for n in range(1, 12))]


def test_a_part_alone_stays_as_it_is():
    assert together([OneRow("DELETE FROM a WHERE id = $1", [7])]) == OneRow(
        "DELETE FROM a WHERE id = $1", [7]
    )


async def test_a_new_record_with_its_audit_and_job_is_one_statement(world):
    viewer = world.viewers["representative"]
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        ledger = open_ledger()
        new = Change("customer", "create", values={"name": "Alfreds"})
        (made,) = await change(write, viewer, [new], clock=FixedClock())
        # Until when the archive is to be verified follows from the company's cycles, which are read before.
        cycles, whole = (noted.sql for noted in ledger.statements)
        assert "FROM verification_cycle" in cycles
        assert whole.count("INSERT INTO") == 3
        later = Change("customer", "update", made.id, values={"city": "Lyon"})
        await change(write, viewer, [later], clock=FixedClock())
        assert len(ledger.statements) == 4  # the row is locked and read, then written
        ledger.is_open = False
    row = await world.row("customer", made.id)
    assert (row["name"], row["city"], row["version"]) == ("Alfreds", "Lyon", 2)
