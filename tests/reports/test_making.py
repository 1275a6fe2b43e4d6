"""From a wish to files: made once, told once, mailed once, called off, failed, forgotten."""

import asyncio
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest

from kedang_platform.documents import ensure_fonts
from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.files import LinkExpired, LinkInvalid
from kedang_platform.i18n import translate
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.files import stored_content
from kedang_tenants.reports import running
from kedang_tenants.reports.errors import AlreadyEnded
from kedang_tenants.reports.keeping import KEPT
from kedang_tenants.reports.mailing import linked_file, read_link
from kedang_tenants.reports.operations import ask_for_definition, cancel_report
from kedang_tenants.reports.writers import child
from tests.support.workers import run_jobs

TEN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # ten in the morning in New York
FULLER = "andrew.fuller@northwind.example"
MATRIX = "CUSTOMERS_BY_GRADE"


async def notices(shop, kind: str) -> list[dict]:
    return await shop.fetch("SELECT * FROM notice WHERE kind = $1 ORDER BY id", kind)


async def runs(shop) -> list[dict]:
    return await shop.fetch("SELECT * FROM report_run ORDER BY id")


async def define(shop, viewer=None, **values) -> "object":
    return await shop.create(
        "report_definition",
        viewer=viewer,
        **{"name": "每周客户", "kind": MATRIX, "period": "LAST_MONTH", "formats": ["XLSX"], **values},
    )


def stored_files(shop) -> list:
    return [path for path in (shop.settings.var / "files").rglob("*") if path.is_file()]


@pytest.mark.requirement("R2", "T10")
async def test_a_report_by_hand_is_made_once_and_told_once(world):
    shop = world.shop
    made = await world.made("fuller", MATRIX, formats=["CSV", "XLSX"], period="LAST_MONTH")
    row = made.row
    assert (row["state"], row["starts_on"].isoformat(), row["ends_on"].isoformat()) == (
        "DONE",
        "2026-02-01",
        "2026-02-28",
    )
    assert row["expires_at"] == shop.clock.now() + KEPT
    assert row["rows_done"] == row["rows_total"] == 6 + 5
    files = await shop.fetch("SELECT * FROM file ORDER BY name")
    assert [(file["name"], file["uploaded_by_id"]) for file in files] == [
        ("Customers by grade 2026-02-01_2026-02-28.csv", world.people["fuller"]),
        ("Customers by grade 2026-02-01_2026-02-28.xlsx", world.people["fuller"]),
    ]
    (notice,) = await notices(shop, "REPORT_READY")
    assert notice["member_id"] == world.people["fuller"]
    assert "2026-02-01" in notice["body"]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("reports.run", {"run": str(row["id"])}))
    await shop.work()
    assert await runs(shop) == [row]
    assert len(await notices(shop, "REPORT_READY")) == 1
    assert len(stored_files(shop)) == 2


@pytest.mark.requirement("R2", "A11")
async def test_each_recipient_of_a_schedule_gets_one_mail_with_a_report_of_their_own_rights(world):
    shop = world.shop
    definition = await define(shop, schedule="WEEKLY", at="10:00", weekday="MONDAY")
    for name in ("davolio", "king"):
        await shop.create("report_recipient", definition_id=definition, member_id=world.people[name])
    shop.clock.instant = TEN - timedelta(minutes=1)
    await shop.work()
    assert await runs(shop) == []
    shop.clock.instant = TEN
    await shop.work()
    made = {row["asked_by_id"]: await world.run(row["id"]) for row in await runs(shop)}
    assert set(made) == {world.people["davolio"], world.people["king"]}
    own, all_of_them = made[world.people["davolio"]], made[world.people["king"]]
    assert own.row["language"] is None
    by_grade = translate("By grade", "zh-CN")
    assert own.book.sheetnames == [translate("Summary", "zh-CN"), by_grade]  # who may not export gets no list
    assert own.sheet(by_grade)[-1][1] == 2
    assert [line[0] for line in all_of_them.sheet("Customers")[1:-1]] == ["C2", "C1", "C5", "C4", "C3", "C7"]
    assert all_of_them.sheet("By grade")[-1][1] == 6
    (next_at,) = [row["next_at"] for row in await shop.fetch("SELECT next_at FROM report_definition")]
    assert next_at == datetime(2026, 3, 9, 14, 0, tzinfo=UTC)  # summer time has begun

    # However often jobs are repeated: the same two reports, the same two mails.
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(
            write,
            NewJob("reports.occur", {"definition": str(definition), "at": TEN.isoformat()}),
            *(NewJob("reports.mail", {"run": str(one.row["id"])}) for one in made.values()),
        )
    await shop.work()
    assert len(await runs(shop)) == 2
    (mail,) = shop.mails_to("robert.king@northwind.example")
    assert len(shop.mails_to("nancy.davolio@northwind.example")) == 1
    assert shop.mails_to(FULLER) == []
    assert await notices(shop, "REPORT_READY") == []
    assert mail.subject == "每周客户: 2026-02-01 to 2026-02-28"
    assert not re.search(r"\d[.,]\d\d\b", mail.text), mail.text  # no figures

    (link,) = re.findall(r"/reports/(\S+)", mail.text)
    secret, company = load_secret_key(shop.settings), shop.company
    grant = read_link(secret, link, now=shop.clock.now())
    async with shop.databases.tenant_read(company.ref) as read:
        file = await linked_file(read, grant)
    assert (file.id, grant.company_id) == (all_of_them.row["xlsx_id"], company.id)
    with pytest.raises(LinkExpired):
        read_link(secret, link, now=shop.clock.now() + timedelta(days=7))
    with pytest.raises(LinkInvalid):
        read_link(secret, ("B" if link[0] == "A" else "A") + link[1:], now=shop.clock.now())
    await shop.change(
        Change("member", "update", world.people["king"], values={"state": "SUSPENDED"}), internally=True
    )
    async with shop.databases.tenant_read(company.ref) as read:
        with pytest.raises(NotFound):
            await linked_file(read, grant)


@pytest.mark.requirement("R2")
async def test_a_schedule_that_changes_has_its_new_occurrence_and_not_the_old_one(shop):
    definition = await define(
        shop, kind="FOLLOW_UP_COMPLIANCE", formats=["CSV"], schedule="DAILY", at="10:00"
    )
    await shop.publish_default_scheme()
    await shop.update("report_definition", definition, at="11:00")
    shop.clock.instant = TEN
    await shop.work()
    assert await runs(shop) == []
    # A worker that stood still for days makes up for one occurrence, not for all of them.
    shop.clock.instant = TEN + timedelta(days=3, hours=2)
    await shop.work()
    (run,) = await runs(shop)
    assert (run["state"], run["asked_by_id"]) == ("DONE", shop.viewer.member_id)
    assert run["scheduled_for"] == TEN + timedelta(hours=1)
    assert run["ends_on"].isoformat() == "2026-02-28"
    await shop.update("report_definition", definition, active=False)
    shop.clock.move(timedelta(days=2))
    await shop.work()
    assert len(await runs(shop)) == 1
    assert await shop.value("SELECT next_at FROM report_definition") is None


async def test_an_occurrence_whose_job_was_lost_is_asked_for_again(shop):
    definition = await define(
        shop, kind="FOLLOW_UP_COMPLIANCE", formats=["CSV"], schedule="DAILY", at="10:00"
    )
    await shop.publish_default_scheme()
    async with shop.databases.control() as control:
        await control.fetch("DELETE FROM work.job WHERE kind = 'reports.occur'")
    shop.clock.instant = TEN + timedelta(hours=2)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("reports.tidy", {"date": "2026-03-02"}))
    await shop.work()
    (run,) = await runs(shop)
    assert (run["definition_id"], run["state"]) == (definition, "DONE")


@pytest.mark.requirement("R2")
async def test_one_recipient_has_one_report_of_an_occurrence_whoever_makes_it(shop):
    definition = await define(shop)
    row = {
        "definition_id": definition,
        "asked_by_id": shop.viewer.member_id,
        "scheduled_for": TEN,
        "kind": MATRIX,
    }
    await shop.create("report_run", internally=True, **row)
    with pytest.raises((Refused, asyncpg.UniqueViolationError)):
        await shop.create("report_run", internally=True, **row)


@pytest.mark.requirement("R2", "T10")
async def test_a_report_that_cannot_be_made_says_so_once(shop, monkeypatch, tmp_path):
    await shop.publish_default_scheme()
    definition = await define(shop, formats=["PDF"], schedule="DAILY", at="10:00")
    monkeypatch.setattr(running, "ensure_fonts", partial(ensure_fonts, tmp_path))
    shop.clock.instant = TEN
    drained = await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    assert [failure.code for failure in drained.failures] == ["FONTS_MISSING"]
    (run,) = await runs(shop)
    assert (run["definition_id"], run["state"], run["error_code"]) == (definition, "FAILED", "FONTS_MISSING")
    assert "make web" in run["error"]
    (notice,) = await notices(shop, "REPORT_FAILED")
    assert notice["member_id"] == shop.viewer.member_id
    assert [mail.subject for mail in shop.mails_to(FULLER)] == [
        "The report “Customers by grade” could not be made"
    ]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("reports.mail", {"run": str(run["id"])}))
    await shop.work()
    assert len(shop.mails_to(FULLER)) == 1


@pytest.mark.requirement("R2")
async def test_a_writer_that_dies_is_tried_again(world, monkeypatch):
    shop = world.shop
    whole = child.asyncio.create_subprocess_exec
    started = []

    async def killed(*command, **options):
        process = await whole(*command, **options)
        started.append(process.pid)
        if len(started) == 1:
            os.kill(process.pid, signal.SIGKILL)
        return process

    monkeypatch.setattr(child.asyncio, "create_subprocess_exec", killed)
    run_id = await world.ask("fuller", "GRADE_MOVEMENT", formats=["CSV"])
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings, strict=False)
    assert (await runs(shop))[0]["state"] == "RUNNING"
    assert stored_files(shop) == []
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    assert (await world.run(run_id)).row["state"] == "DONE"
    assert (len(started), len(stored_files(shop))) == (2, 1)


@pytest.mark.requirement("R2")
async def test_a_report_can_be_called_off_before_and_while_it_is_made(world, monkeypatch):
    shop, viewer = world.shop, await world.viewer("king")
    colleague = await world.viewer("davolio")

    async def cancel(run_id, who=viewer):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await cancel_report(write, who, run_id=run_id, clock=shop.clock)

    waiting = await world.ask("king", MATRIX)
    with pytest.raises(NotFound):
        await cancel(waiting, colleague)
    await cancel(waiting)
    assert (await world.run(waiting)).row["state"] == "CANCELLED"
    with pytest.raises(AlreadyEnded):
        await cancel(waiting)

    begun = await world.ask("king", MATRIX, formats=["XLSX", "CSV"])
    written = []

    async def meanwhile(job, folder, file_format):
        written.append(file_format)
        if len(written) == 2:
            await cancel(begun)
        return await child.write_format(job, folder, file_format)

    monkeypatch.setattr(running, "write_format", meanwhile)
    await shop.work()
    row = (await world.run(begun)).row
    assert (row["state"], row["xlsx_id"]) == ("CANCELLED", None)
    assert stored_files(shop) == []
    assert await notices(shop, "REPORT_READY") == []


@pytest.mark.requirement("R2")
async def test_who_calls_a_report_off_and_its_worker_do_not_block_each_other(world):
    shop, viewer = world.shop, await world.viewer("king")
    run = await world.ask("king", MATRIX)
    job = (await world.run(run)).row["job_id"]
    held = asyncio.Event()

    async def step():  # as a worker tells how far it is
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await write.fetch("UPDATE work.job SET progress_done = 1 WHERE id = $1", job)
            held.set()
            await asyncio.sleep(0.3)
            await write.fetch("UPDATE report_run SET rows_done = 1 WHERE id = $1", run)

    async def cancel():
        await held.wait()
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await cancel_report(write, viewer, run_id=run, clock=shop.clock)

    await asyncio.gather(step(), cancel())
    assert (await world.run(run)).row["state"] == "CANCELLED"


@pytest.mark.requirement("R2")
async def test_files_are_forgotten_when_they_were_kept_long_enough(world):
    shop = world.shop
    made = await world.made("fuller", "GRADE_MOVEMENT", formats=["CSV", "XLSX"])
    file_id = made.row["csv_id"]

    async def tidy():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await enqueue(write, NewJob("reports.tidy", {"date": "2026-03-02"}))
        await shop.work()

    shop.clock.move(KEPT - timedelta(seconds=1))
    await tidy()
    assert len(stored_files(shop)) == 2
    shop.clock.move(timedelta(seconds=1))
    await tidy()
    assert stored_files(shop) == []
    row = (await world.run(made.row["id"])).row
    assert (row["state"], row["csv_id"], row["xlsx_id"]) == ("DONE", None, None)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        with pytest.raises(NotFound):
            await stored_content(read, file_id=file_id)


@pytest.mark.requirement("A11", "T3")
@pytest.mark.parametrize(("name", "kind"), [("onlooker", MATRIX), ("callahan", "FOLLOW_UP_COMPLIANCE")])
async def test_who_may_not_ask_is_refused_and_nothing_is_begun(world, name, kind):
    with pytest.raises(Forbidden):
        await world.ask(name, kind)
    definition = await define(world.shop, kind=kind)
    async with world.shop.databases.tenant_write(world.shop.company.ref) as write:
        with pytest.raises(Forbidden):
            await ask_for_definition(
                write, await world.viewer(name), definition_id=definition, clock=world.shop.clock
            )
    assert await runs(world.shop) == []


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"formats": []}, "REQUIRED", "formats"),
        ({"period": "BETWEEN"}, "REQUIRED", "startsOn"),
        (
            {"period": "BETWEEN", "starts_on": "2026-01-02", "ends_on": "2026-01-01"},
            "INVALID_PERIOD",
            "endsOn",
        ),
        (
            {"period": "BETWEEN", "starts_on": "2016-01-01", "ends_on": "2026-03-01"},
            "INVALID_PERIOD",
            "endsOn",
        ),
        ({"starts_on": "2026-01-02"}, "DAYS_WITHOUT_PERIOD", "startsOn"),
        ({"kind": "SURVEY_ANALYSIS"}, "REQUIRED", "questionnaireId"),
        ({"schedule": "DAILY"}, "REQUIRED", "at"),
        ({"schedule": "DAILY", "at": "25:00"}, "INVALID_TIME", "at"),
        ({"schedule": "WEEKLY", "at": "10:00"}, "REQUIRED", "weekday"),
        ({"schedule": "MONTHLY", "at": "10:00"}, "REQUIRED", "dayOfMonth"),
    ],
)
async def test_what_cannot_be_answered_is_refused(shop, values, code, path):
    days = {k: datetime.fromisoformat(v).date() for k, v in values.items() if k in {"starts_on", "ends_on"}}
    with pytest.raises(Refused) as refused:
        await define(shop, **(values | days))
    assert [(error.code, error.path[-1]) for error in refused.value.errors] == [(code, path)]
    assert await shop.fetch("SELECT 1 FROM report_definition") == []
