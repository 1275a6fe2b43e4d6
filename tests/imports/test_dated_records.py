"""Contracts, owned products and meetings come in and go out like every record (A9)."""

import pytest

pytestmark = pytest.mark.requirement("A9")


async def test_records_with_dates_come_in_by_their_keys_and_dates_follow(office):
    await office.imports("customer", "number,name\nALFKI,Alfreds\n")
    await office.imports("product", "number,name\nP1,Pump\n")
    done = await office.imports(
        "contract",
        "number,title,customer.number,state,signedOn,startsOn,endsOn,noticeDays\n"
        "C-1,Supply,ALFKI,IN_FORCE,2026-01-05,2026-01-05,2027-01-04,30\n"
        "C-2,Supply,ALFKI,IN_FORCE,,,2027-01-04,30\n"
        "C-3,Supply,ALFKI,DRAFT,,2026-01-05,2025-01-04,\n",
    )
    assert {line: reason[0] for line, reason in done.reasons.items()} == {
        3: "REQUIRED",
        4: "ENDS_BEFORE_IT_STARTS",
    }
    (contract,) = await office.rows("SELECT number, notice_on::text FROM contract")
    assert tuple(contract.values()) == ("C-1", "2026-12-05")
    owned = (
        "customer.number,product.number,serialNumber,installedOn,maintenanceMonths\n"
        "ALFKI,P1,7,2026-01-31,{months}\n"
    )
    for months, due in ((1, "2026-02-28"), (13, "2027-02-28")):  # the second time it is the same one
        await office.imports("owned_product", owned.format(months=months))
        (found,) = await office.rows("SELECT maintenance_due_on::text AS due FROM owned_product")
        assert found["due"] == due
    await office.imports(
        "meeting",
        "customer.number,subject,startsAt,endsAt\nALFKI,Prices,2026-03-06T10:00:00+00:00,2026-03-06T11:00:00+00:00\n",
        mode="CREATE",
    )
    (meeting,) = await office.rows("SELECT minutes_due_on::text AS due FROM meeting")
    assert meeting["due"] == "2026-03-10"
