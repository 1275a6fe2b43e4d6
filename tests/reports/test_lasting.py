"""Schedules outlive people, failures are told and made good, mails leave once though workers die, files go in time."""

import os
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.reports import running
from kedang_tenants.reports.errors import NotRepeatable
from kedang_tenants.reports.kinds import KINDS
from kedang_tenants.reports.operations import retry_report
from kedang_tenants.rules import draft_rule, establish
from tests.reports.test_making import TEN, define, notices, runs, stored_files
from tests.support.workers import run_jobs

COMPLIANCE = {"kind": "FOLLOW_UP_COMPLIANCE", "formats": ["CSV"]}


async def leave(shop, member) -> None:
    await shop.change(Change("member", "update", member, values={"state": "SUSPENDED"}), internally=True)


@pytest.mark.requirement("R2", "T10")
async def test_a_schedule_whose_people_have_left_tells_the_owners_of_the_company_once_a_month(world):
    shop, people = world.shop, world.people
    definition = await define(
        shop, await world.viewer("leverling"), name="Mine", schedule="DAILY", at="10:00", **COMPLIANCE
    )
    await leave(shop, people["leverling"])
    for days in range(3):
        shop.clock.instant = TEN + timedelta(days=days)
        await shop.work()
    assert await runs(shop) == []
    (notice,) = await notices(shop, "REPORT_FAILED")
    assert notice["member_id"] == people["fuller"]
    assert orjson.loads(notice["title"])["en"] == "Nobody gets the report “Mine”"
    assert "2026-03-02" in notice["body"]
    (next_at,) = [row["next_at"] for row in await shop.fetch("SELECT next_at FROM report_definition")]
    assert next_at == datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
    # A recipient is enough to have it made again.
    await shop.create("report_recipient", definition_id=definition, member_id=people["king"])
    shop.clock.instant = next_at
    await shop.work()
    assert [(row["asked_by_id"], row["state"]) for row in await runs(shop)] == [(people["king"], "DONE")]


@pytest.mark.requirement("R2", "A11", "T10")
async def test_a_recipient_who_may_read_nothing_is_told_so_and_gets_no_file_and_the_owner_hears(world):
    shop, people = world.shop, world.people
    manager = await world.viewer("king")
    definition = await define(shop, manager, name="Compliance", schedule="DAILY", at="10:00", **COMPLIANCE)
    for name in ("callahan", "davolio"):  # finance reads no follow-ups
        await shop.create("report_recipient", definition_id=definition, member_id=people[name])
    shop.clock.instant = TEN
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    made = {row["asked_by_id"]: row for row in await runs(shop)}
    assert made[people["davolio"]]["state"] == "DONE"
    failed = made[people["callahan"]]
    assert (failed["state"], failed["error_code"], failed["csv_id"]) == ("FAILED", "FORBIDDEN", None)
    told = {notice["member_id"]: notice for notice in await notices(shop, "REPORT_FAILED")}
    assert set(told) == {people["callahan"], people["king"]}
    assert "You may not read what this report is about." in told[people["callahan"]]["body"]
    assert "Laura Callahan" in told[people["king"]]["body"]
    assert orjson.loads(told[people["king"]]["title"])["en"] == "The report “Compliance” could not be made"
    subjects = [mail.subject for mail in shop.mails_to("laura.callahan@northwind.example")]
    assert subjects == ["The report “Follow-up compliance” could not be made"]


@pytest.mark.requirement("R2", "T10")
async def test_what_failed_is_made_after_all_and_each_failure_is_told(world, monkeypatch):
    shop, people = world.shop, world.people
    viewer = await world.viewer("king")

    async def again(run, who=viewer):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await retry_report(write, who, run_id=run, clock=shop.clock)

    broken = True

    async def gathered(*args, **kwargs):
        if broken:
            raise Forbidden("You may not do this.")
        return await whole(*args, **kwargs)

    whole = running.work_out
    monkeypatch.setattr(running, "work_out", gathered)
    run = await world.ask("king", "CUSTOMER_LIST", formats=["CSV"])
    with pytest.raises(NotRepeatable):
        await again(run)
    for tries in (1, 2):
        await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
        row = (await world.run(run)).row
        assert (row["state"], row["error_code"], row["tries"]) == ("FAILED", "FORBIDDEN", tries)
        assert len(await notices(shop, "REPORT_FAILED")) == tries
        with pytest.raises(NotFound):
            await again(run, await world.viewer("davolio"))
        await again(run)
        assert (await world.run(run)).row["state"] == "WAITING"
    broken = False
    await shop.work()
    made = await world.run(run)
    assert (made.row["state"], made.row["error_code"], made.row["tries"]) == ("DONE", None, 3)
    assert len(made.csv) == 1 + 6
    assert [notice["member_id"] for notice in await notices(shop, "REPORT_READY")] == [people["king"]]
    with pytest.raises(NotRepeatable):
        await again(run)


class Killed(BaseException):
    """The worker is gone, with nobody left to settle anything."""


@pytest.mark.requirement("R2")
@pytest.mark.parametrize("place", ["gathered", "stored", "kept", "posted"])
async def test_a_worker_killed_anywhere_leaves_one_report_and_one_mail(world, monkeypatch, place):
    shop = world.shop
    await define(shop, await world.viewer("king"), schedule="DAILY", at="10:00", **COMPLIANCE)
    shop.clock.instant = TEN
    killed = []
    from kedang_workers.handlers import reports as handlers

    module, name = {
        "gathered": (running, "save"),
        "stored": (running, "_keep"),
        "kept": (running, "_tell_ready"),
        "posted": (handlers, "post"),
    }[place]
    whole = getattr(module, name)

    def dies(*args, **kwargs):
        if not killed:
            killed.append(place)
            raise Killed
        return whole(*args, **kwargs)

    monkeypatch.setattr(module, name, dies)
    with pytest.raises(Killed):
        await shop.work()
    # Whoever sweeps finds that the lease has run out.
    async with shop.databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'waiting', lease_until = NULL WHERE state IN ('running', 'queued')"
        )
    await shop.work()
    (row,) = await runs(shop)
    assert row["state"] == "DONE"
    mails = shop.mails_to("robert.king@northwind.example")
    assert len(mails) == 1
    assert len(await shop.fetch("SELECT 1 FROM file WHERE content_id IS NOT NULL")) == 1
    # Files that no row names may be left of a kill between storing and keeping; nothing else.
    assert len(stored_files(shop)) == (2 if place in {"stored", "kept"} else 1)


def test_folders_of_killed_workers_are_removed_when_nobody_can_be_at_work_in_them(tmp_path):
    for name, age in (("kedang-report-old", 3 * 3600 + 1), ("kedang-report-new", 3600), ("other-old", 10**6)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows-1.jsonl").write_text("[]")
        os.utime(tmp_path / name, (10**9 - age, 10**9 - age))
    running.clear_left(tmp_path, now=10**9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kedang-report-new", "other-old"]


@pytest.mark.requirement("R2", "T8", "T9")
async def test_files_are_kept_as_long_as_the_rule_of_the_company_says(world):
    shop = world.shop
    usual = await world.made("fuller", "GRADE_MOVEMENT", formats=["CSV"])
    async with shop.databases.tenant_write(shop.company.ref) as write:
        viewer = await shop.product()
        await establish(write, viewer, kind="reports.kept", content={"days": 7}, clock=shop.clock)
    short = await world.made("fuller", "GRADE_MOVEMENT", formats=["CSV"])
    assert usual.row["expires_at"] - usual.row["finished_at"] == timedelta(days=90)
    assert short.row["expires_at"] - short.row["finished_at"] == timedelta(days=7)
    shop.clock.move(timedelta(days=7))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("reports.tidy", {"date": "2026-03-09"}))
    await shop.work()
    assert [row["csv_id"] is None for row in await runs(shop)] == [False, True]
    assert len(stored_files(shop)) == 1
    for content in ({}, {"days": 0}, {"days": 3_661}, {"days": "7"}, {"days": 7, "more": 1}):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            with pytest.raises(Refused):
                await draft_rule(write, shop.viewer, kind="reports.kept", content=content, clock=shop.clock)


WRONG = [
    ("CUSTOMER_LIST", {"nonsense": 1}, "UNKNOWN_PARAMETER", "nonsense"),
    ("CUSTOMER_LIST", {"gradeLevel": "gle_" + "0" * 32}, "NOT_FOUND", "gradeLevel"),
    ("CUSTOMER_LIST", {"gradeLevel": 7}, "NOT_FOUND", "gradeLevel"),
    ("CUSTOMER_LIST", {"state": "HAPPY"}, "UNKNOWN_VALUE", "state"),
    ("COMPOSITION", {"groupBy": "MOON"}, "UNKNOWN_VALUE", "groupBy"),
    ("COMPOSITION", {"top": 0}, "OUT_OF_RANGE", "top"),
    ("COMPOSITION", {"top": True}, "INVALID_NUMBER", "top"),
    ("COMPOSITION", {"compare": "yes"}, "INVALID_FLAG", "compare"),
    ("COMPOSITION", {"region": 3}, "INVALID_TEXT", "region"),
    ("VISITS", [], "INVALID_PARAMETERS", None),
]


@pytest.mark.requirement("R2")
async def test_parameters_are_checked_alike_for_definitions_and_runs(world):
    shop = world.shop
    for kind, parameters, code, name in WRONG:
        path = ("input", "parameters", *([name] if name else []))
        with pytest.raises(Refused) as refused:
            await world.ask("fuller", kind, parameters=parameters)
        assert [(error.code, error.path) for error in refused.value.errors] == [(code, path)]
        with pytest.raises(Refused) as refused:
            await define(shop, kind=kind, parameters=parameters)
        assert [(error.code, error.path) for error in refused.value.errors] == [(code, path)]
    assert await runs(shop) == []
    assert await shop.fetch("SELECT 1 FROM report_definition") == []
    definition = await define(shop, kind="COMPOSITION", parameters={"groupBy": "OWNER", "top": 3})
    with pytest.raises(Refused):
        await shop.update("report_definition", definition, parameters={"groupBy": "MOON"})
    made = await world.made("fuller", "COMPOSITION", parameters={"groupBy": "OWNER", "compare": False})
    heading, *_ = made.sheet("Composition")
    assert heading == ["Owner", "Customers", "Sales (USD)", "Share of sales", "Added up"]
    facts = {cells[0]: cells[1] for cells in made.sheet("Summary") if len(cells) > 1}
    assert (facts["Told apart by"], facts["Compare with the time before"]) == ("Owner", "No")


def test_every_kind_says_what_it_is_and_takes_parameters_of_different_names():
    for code, kind in KINDS.items():
        assert (kind.code, bool(kind.label), bool(kind.reads)) == (code, True, True)
        names = [parameter.name for parameter in kind.parameters]
        assert len(names) == len(set(names)), code
        for parameter in kind.parameters:
            assert parameter.default is None or parameter.kind.check(parameter.default) == parameter.default
