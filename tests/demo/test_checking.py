"""The checks of the demonstration count business time rightly, and tell differences by what differs."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kedang_workers.demo.checking.clocks import business_time, runs_out
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.checking.reports import _cell
from kedang_workers.demo.checking.watching import check_watch_list
from kedang_workers.demo.data import load_northwind

LOS_ANGELES = ZoneInfo("America/Los_Angeles")


def at(day, hour, minute=0):
    """An instant in November 2026: the 26th is Thanksgiving, the 28th a Saturday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=LOS_ANGELES)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (at(25, 17), at(25, 17, 30), 0.5),
        (at(25, 17), at(27, 10), 2),
        (at(25, 20), at(27, 9), 0),
        (at(27, 8), at(30, 8), 9),
        (at(21, 12), at(22, 12), 0),
    ],
)
def test_business_time_passes_within_working_hours_alone(start, end, hours):
    assert business_time(start, end) == timedelta(hours=hours)


def test_a_clock_runs_out_at_the_first_instant_at_which_its_time_has_passed():
    assert runs_out(at(25, 17), at(27, 10)) == timedelta(hours=2)
    assert runs_out(at(25, 17), at(27, 9, 59)) == timedelta(hours=1, minutes=59)
    assert runs_out(at(25, 17), at(26, 12)) is None
    assert runs_out(at(21, 22), at(23, 18)) == timedelta(hours=9)
    assert runs_out(at(21, 22), at(24, 9)) is None


def test_differences_of_long_tables_are_told_by_the_rows_that_differ():
    findings = Findings()
    table = {f"row {number}": number for number in range(1000)}
    assert findings.same("the table", table, dict(table))
    assert not findings.same("the table", table | {"row 7": 8, "more": 1}, table | {"less": 2})
    assert findings.compared == 2
    assert findings.different == [
        "the table: found {'row 7': 8, 'more': 1}, expected {'row 7': 7, 'less': 2}"
    ]


def test_cells_mean_the_same_in_both_formats():
    assert _cell(61109.92) == _cell("61109.92")
    assert _cell(0) == _cell("0.000000")
    assert _cell(datetime(1997, 12, 22)) == "1997-12-22"  # noqa: DTZ001 - as openpyxl gives days
    assert _cell("") is _cell(None) is None
    assert _cell(61109.92) != _cell("61109.93")


BUILT_ON = date(2026, 11, 22)


def company(night=None, *, leave_out=(), checks=1):
    """The customers as the watch list shows them after a night; ANATR and AROUT last bought in March and April 1998."""
    owner = {"email": "nancy.davolio@northwind.example"}
    found = {row["customer_id"]: node() for row in load_northwind().customers}
    if night is not None:
        for number, last in (("ANATR", date(1998, 3, 4)), ("AROUT", date(1998, 4, 10))):
            if number not in leave_out:
                found[number] |= node(night, (night - last).days, owner, checks)
    return found


def node(night=None, days=None, owner=None, checks=0):
    entry = {"side": "RISK", "reasons": {"SILENCE": {"value": days}}, "seenOn": night and night.isoformat()}
    return {
        "owner": owner,
        "lastContactAt": None,
        "checks": {"nodes": [{"dueOn": "2027-01-06", "owner": owner}] * checks},
        "watchEntries": {"nodes": [entry] if night else []},
    }


def told_of(customers, numbers=("ANATR", "AROUT")):
    """What is different, of customers whose last order the test knows."""
    northwind, findings = load_northwind(), Findings()
    orders = [row for row in northwind.orders if row["customer_id"] in numbers]
    check_watch_list(customers, replace(northwind, orders=orders), BUILT_ON, findings)
    return findings.different


def test_before_the_first_night_the_watch_list_is_empty():
    assert told_of(company()) == []


def test_after_a_night_everybody_who_was_silent_is_on_the_watch_list_and_checked():
    night = BUILT_ON + timedelta(days=3)
    assert told_of(company(night)) == []
    assert told_of(company(night, leave_out=["AROUT"])) == [
        f"AROUT: silent: found None, expected {(night - date(1998, 4, 10)).days}"
    ]
    assert told_of(company(night), numbers=["ANATR"]) == [
        f"AROUT: silent: found {(night - date(1998, 4, 10)).days}, expected None"
    ]
    assert told_of(company(night, checks=0)) == [
        "checks by owner: found {}, expected {'nancy.davolio@northwind.example': 2}"
    ]


@pytest.mark.parametrize(
    ("night", "falls"),
    [
        (date(2027, 2, 22), False),
        (date(2027, 2, 23), True),
        (date(2027, 5, 22), True),
        (date(2027, 5, 23), False),
    ],
)
def test_who_ordered_on_the_day_of_the_building_and_no_more_falls_for_three_months(night, falls):
    customers = company(night)
    customers["BERGS"] |= node(night, (night - BUILT_ON).days)
    if falls:
        customers["BERGS"]["watchEntries"]["nodes"][0]["reasons"]["SALES_FALL"] = {"value": "100"}
    assert told_of(customers) == []
