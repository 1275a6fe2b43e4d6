"""What is kept how long: rules in versions, dry runs, steps that may be killed, holds, and a report of every run (T9)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.work import JobInterrupted, NewJob, enqueue
from kedang_tenants import rules
from kedang_tenants.files import AttachedTo
from kedang_tenants.protection import retention
from kedang_tenants.protection.holding import hold
from kedang_tenants.protection.retention import RUN, start_of, try_retention
from kedang_tenants.protection.retention_rules import TARGETS, TEMPLATE, RetentionRule
from tests.protection.test_erasing import keep
from tests.support.factories import Factory
from tests.support.surveying import customer_with_mail
from tests.support.workers import run_jobs

PURPOSE = {"en": "Proof", "zh": "证明"}


def line(record, months=12, **values):
    return {"record": record, "action": TARGETS[record].action, "months": months, "purpose": PURPOSE} | values


async def establish(shop, *lines):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await rules.establish(
            write, await shop.product(), kind="retention", content={"rules": list(lines)}, clock=shop.clock
        )


async def run(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob(RUN, {"date": "2026-03-02"}))
    await shop.work()


async def age(shop, table, column, days, *ids):
    when = shop.clock.now() - timedelta(days=days)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(f'UPDATE "{table}" SET {column} = $1 WHERE id = ANY($2::uuid[])', when, list(ids))


async def old_contacts(shop, *days):
    """A customer whose contacts were put away so many days ago."""
    customer, _ = await customer_with_mail(shop)
    made = []
    for place, each in enumerate(days):
        contact = await shop.create(
            "contact", customer_id=customer, name=f"Contact {place}", email=f"c{place}@x.example"
        )
        await shop.archive("contact", contact)
        await age(shop, "contact", "archived_at", each, contact)
        made.append(contact)
    return customer, made


async def names(shop):
    rows = await shop.fetch("SELECT name FROM contact ORDER BY id")
    return [row["name"] for row in rows]


@pytest.mark.requirement("T9")
async def test_without_a_rule_nothing_is_ever_touched(shop):
    await old_contacts(shop, 10_000)
    await run(shop)
    assert await names(shop) == ["Maria Anders", "Contact 0"]
    assert await shop.value("SELECT count(*) FROM retention_run") == 0


@pytest.mark.requirement("T9", "T8")
async def test_persons_put_away_long_enough_are_anonymised_and_the_run_says_so(shop):
    await establish(shop, line("contact", 12))
    await old_contacts(shop, 364, 365, 400)
    await run(shop)
    assert await names(shop) == ["Maria Anders", "Contact 0", "Contact 1", "Erased person"]
    (row,) = await shop.fetch("SELECT * FROM retention_run")
    version = await shop.value("SELECT id FROM rule_version")
    assert (row["rule_version_id"], row["state"], row["trial"], row["started_by_id"]) == (
        version,
        "DONE",
        False,
        None,
    )
    assert (row["anonymised"], row["deleted"], row["held"]) == (1, 0, 0)
    assert orjson.loads(row["report"]) == {
        "rules": [
            {"record": "contact", "action": "ANONYMISE", "months": 12, "done": 1, "held": 0, "samples": []}
        ]
    }
    await run(shop)
    assert [
        r["anonymised"] for r in await shop.fetch("SELECT anonymised FROM retention_run ORDER BY id")
    ] == [1, 0]


@pytest.mark.requirement("T9")
async def test_a_trial_counts_and_names_some_and_does_nothing(shop):
    await establish(shop, line("contact", 12))
    _, made = await old_contacts(shop, 500, 500, 10)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await try_retention(write, shop.viewer, version_id=None, clock=shop.clock)
    await shop.work()
    (row,) = await shop.fetch("SELECT * FROM retention_run")
    assert (row["trial"], row["state"], row["anonymised"], row["started_by_id"]) == (
        True, "DONE", 2, shop.viewer.member_id,
    )  # fmt: skip
    assert orjson.loads(row["report"])["rules"][0]["samples"] == [f"con_{each.hex}" for each in made[:2]]
    assert await names(shop) == ["Maria Anders", "Contact 0", "Contact 1", "Contact 2"]
    assert await shop.value("SELECT count(*) FROM person_request") == 0


@pytest.mark.requirement("T9")
async def test_trials_are_the_keepers_and_of_retention_rules_only(shop):
    await establish(shop, line("contact", 12))
    manager = await shop.as_member(await shop.hire("Manager", "DEPARTMENT_MANAGER"))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Forbidden):
            await try_retention(write, manager, version_id=None, clock=shop.clock)
        with pytest.raises(NotFound):
            await try_retention(write, shop.viewer, version_id=shop.viewer.member_id, clock=shop.clock)
    assert await shop.value("SELECT count(*) FROM retention_run") == 0


@pytest.mark.requirement("T9")
async def test_a_legal_hold_keeps_what_is_old_and_is_counted(shop):
    await establish(shop, line("contact", 1), line("file", 1))
    customer, (contact,) = await old_contacts(shop, 400)
    file = await keep(shop, "kept.txt", b"x", AttachedTo("contact", contact))
    await shop.archive("file", file)
    await age(shop, "file", "archived_at", 400, file)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await hold(write, shop.viewer, customer_id=customer, reason="A lawsuit", clock=shop.clock)
    await run(shop)
    assert await names(shop) == ["Maria Anders", "Contact 0"]
    assert await shop.value("SELECT content_id IS NOT NULL FROM file WHERE id = $1", file)
    (row,) = await shop.fetch("SELECT anonymised, deleted, held FROM retention_run")
    assert tuple(row.values()) == (0, 0, 2)


@pytest.mark.requirement("T9")
async def test_copies_are_deleted_with_their_files_and_figures_stay(shop):
    await establish(
        shop, line("export", 6), line("import", 6), line("notice", 6), line("survey_item_answer", 6)
    )
    factory = Factory(shop.databases, shop.company, shop.clock)
    old, young = [await factory.one("export", state="DONE", finished_at=shop.clock.now()) for _ in range(2)]
    source = await keep(shop, "in.csv", b"name")
    imported = await factory.one("import", state="DONE", finished_at=shop.clock.now(), file_id=source)
    written = await keep(shop, "out.csv", b"name", AttachedTo("export", old))
    notice = await factory.one("notice")
    answer = await factory.one("survey_item_answer", text="Words", comment="More", number="5")
    await age(shop, "export", "finished_at", 400, old)
    await age(shop, "import", "finished_at", 400, imported)
    for table, each in (("notice", notice), ("survey_item_answer", answer)):
        await age(shop, table, "created_at", 400, each)
    await run(shop)
    assert [r["id"] for r in await shop.fetch("SELECT id FROM export")] == [young]
    assert await shop.value("SELECT count(*) FROM import") == 0
    assert await shop.value("SELECT count(*) FROM notice") == 0
    (kept,) = await shop.fetch("SELECT text, comment, number FROM survey_item_answer")
    assert (kept["text"], kept["comment"], int(kept["number"])) == (None, None, 5)
    files = await shop.fetch("SELECT id, content_id FROM file WHERE id = ANY($1::uuid[])", [source, written])
    assert [row["content_id"] for row in files] == [None, None]
    assert not [p for p in (shop.settings.var / "files").rglob("*") if p.is_file()]
    (row,) = await shop.fetch("SELECT anonymised, deleted FROM retention_run")
    assert tuple(row.values()) == (1, 3)
    assert await shop.value("SELECT count(*) FROM audit WHERE action = 'export.deleted'") == 1


@pytest.mark.requirement("T9")
async def test_a_run_that_is_killed_goes_on_and_counts_everything_once(shop, monkeypatch):
    await establish(shop, line("notice", 1))
    factory = Factory(shop.databases, shop.company, shop.clock)
    ids = [await factory.one("notice", occasion=f"o{n}") for n in range(7)]
    await age(shop, "notice", "created_at", 100, *ids)
    monkeypatch.setattr(retention, "CHUNK", 3)
    tried = []
    real = retention.retire_rows

    async def killed(write, viewer, rule, chunk, *, clock):
        tried.append(list(chunk))
        await real(write, viewer, rule, chunk, clock=clock)
        if len(tried) == 2:
            raise JobInterrupted

    monkeypatch.setattr(retention, "retire_rows", killed)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob(RUN, {"date": "2026-03-02"}))
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    await shop.work()
    assert [len(chunk) for chunk in tried] == [3, 3, 3, 1]
    assert tried[1] == tried[2]
    assert await shop.value("SELECT count(*) FROM notice") == 0
    assert [tuple(r.values()) for r in await shop.fetch("SELECT state, deleted FROM retention_run")] == [
        ("DONE", 7)
    ]


@pytest.mark.requirement("T9", "T8")
@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        ({}, "INVALID_CONTENT", ("rules",)),
        ({"rules": [1]}, "INVALID_CONTENT", ("rules", 0)),
        ({"rules": [line("notice") | {"record": "order"}]}, "UNKNOWN_VALUE", ("rules", 0, "record")),
        ({"rules": [line("contact", action="DELETE")]}, "UNKNOWN_VALUE", ("rules", 0, "action")),
        ({"rules": [line("contact", 0)]}, "OUT_OF_RANGE", ("rules", 0, "months")),
        ({"rules": [line("contact", True)]}, "OUT_OF_RANGE", ("rules", 0, "months")),
        ({"rules": [line("contact"), line("contact")]}, "TWICE", ("rules", 1, "record")),
        ({"rules": [line("contact", purpose={})]}, "REQUIRED", ("rules", 0, "purpose")),
    ],
)
async def test_rules_that_say_nothing_sensible_are_refused(shop, content, code, path):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Refused) as refused:
            await rules.draft_rule(write, shop.viewer, kind="retention", content=content, clock=shop.clock)
    assert [(e.code, e.path) for e in refused.value.errors] == [(code, ("input", "content", *path))]
    assert await shop.value("SELECT count(*) FROM rule_version") == 0


@pytest.mark.requirement("T9")
async def test_the_template_can_be_put_in_force_as_it_is(shop):
    await establish(shop, *TEMPLATE["rules"])
    await run(shop)
    assert await shop.value("SELECT state FROM retention_run") == "DONE"


@pytest.mark.requirement("T9")
@given(
    moment=st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive by the strategy's contract
    months=st.integers(1, 1200),
    zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"]),
)
def test_what_is_younger_than_its_months_is_never_old_enough(moment, months, zone):
    before = start_of(RetentionRule("contact", "ANONYMISE", months), now=moment, zone=ZoneInfo(zone))
    today = moment.astimezone(ZoneInfo(zone)).date()
    assert before.timetz().replace(tzinfo=None).isoformat() == "00:00:00"
    counted = (today.year - before.year) * 12 + today.month - before.month
    assert counted == months
    assert before.day <= today.day
    assert before.day == today.day or (before.date() + timedelta(days=1)).month != before.month
    assert before.date() <= date(today.year, today.month, today.day)


@pytest.mark.requirement("T9")
async def test_the_night_asks_for_it_by_itself():
    from kedang_workers import handlers

    rule = next(rule for rule in handlers.load().rules if rule.kind == RUN)
    assert rule.pattern.at.isoformat() == "03:15:00"
