"""Rules that recur, made into jobs."""

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.registry import set_status
from kedang_platform.work import handler, recurring
from kedang_platform.work.recurrence import EPOCH
from kedang_platform.work.schedule import Scheduler
from kedang_platform.work.upkeep import remove_ended


@recurring("digest.morning", at=time(8))
@handler("digest")
async def digest(job):
    pass


@recurring("tidy.hourly", every=timedelta(hours=1), installation=True)
@handler("tidy")
async def tidy(job):
    pass


@pytest.fixture
def scheduler(databases, clock):
    def make(*handlers) -> Scheduler:
        return Scheduler(
            databases=databases, rules=[rule for each in handlers for rule in each.rules], clock=clock
        )

    return make


@pytest.fixture
def jobs(databases):
    async def read():
        async with databases.control_read() as control:
            return await control.fetch(
                "SELECT kind, tenant, company, key, payload FROM work.job ORDER BY tenant, id"
            )

    return read


@pytest.fixture
async def zones(databases, two_companies, clock):
    """A company in Shanghai and one in New York, both a month old."""
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET created_at = $1", clock.now() - timedelta(days=30))
        await control.fetch(
            "UPDATE platform.company SET time_zone = 'America/New_York' WHERE id = $1", two_companies[1].id
        )
    return two_companies


@pytest.mark.requirement("T6")
async def test_eight_in_the_morning_comes_to_each_company_in_its_own_zone(scheduler, zones, clock, jobs):
    shanghai, new_york = zones
    clock.instant = datetime(
        2026, 3, 2, 0, 0, tzinfo=UTC
    )  # 08:00 in Shanghai; 19:00 the day before in New York
    assert await scheduler(digest).make_due() == 2
    made = {job["tenant"]: (job["company"], job["key"], job["payload"]) for job in await jobs()}
    assert made == {
        shanghai.ref.schema: (
            shanghai.id,
            "digest.morning@2026-03-02T00:00:00+00:00",
            '{"date": "2026-03-02", "occurrence": "2026-03-02T00:00:00+00:00"}',
        ),
        new_york.ref.schema: (
            new_york.id,
            "digest.morning@2026-03-01T13:00:00+00:00",
            '{"date": "2026-03-01", "occurrence": "2026-03-01T13:00:00+00:00"}',
        ),
    }


async def test_an_occurrence_is_made_once_by_however_many_schedulers(scheduler, zones, clock, jobs):
    clock.instant = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    made = await asyncio.gather(*(scheduler(digest, tidy).make_due() for _ in range(6)))
    assert sum(made) == 3
    assert len(await jobs()) == 3
    again = scheduler(digest, tidy)
    assert await again.make_due() == 0
    clock.move(timedelta(minutes=59))
    assert await again.make_due() == 0
    clock.move(timedelta(minutes=1))
    assert await again.make_due() == 1  # the hourly rule
    assert len(await jobs()) == 4


async def test_after_a_standstill_only_the_latest_missed_occurrence_is_made_up_for(
    scheduler, zones, clock, jobs
):
    running = scheduler(digest)
    assert await running.make_due() == 2
    clock.move(timedelta(days=5))
    assert await running.make_due() == 2
    keys = sorted(job["key"] for job in await jobs() if job["tenant"] == zones[0].ref.schema)
    assert keys == [
        "digest.morning@2026-03-02T00:00:00+00:00",
        "digest.morning@2026-03-07T00:00:00+00:00",
    ]


async def test_what_lay_before_a_company_is_not_made_up_for(scheduler, company, databases, clock, jobs):
    async with databases.control() as control:
        await control.fetch(
            "UPDATE platform.company SET created_at = $1", clock.now() - timedelta(minutes=30)
        )
    running = scheduler(digest)  # it is 09:00 in Shanghai
    assert await running.make_due() == 0
    clock.move(timedelta(hours=23))
    assert await running.make_due() == 1
    assert [job["key"] for job in await jobs()] == ["digest.morning@2026-03-03T00:00:00+00:00"]


async def test_a_suspended_company_is_left_alone(scheduler, zones, databases, jobs):
    async with databases.control() as control:
        await set_status(control, company_id=zones[0].id, status="suspended")
    assert await scheduler(digest).make_due() == 1
    assert [job["tenant"] for job in await jobs()] == [zones[1].ref.schema]


async def test_a_rule_of_the_installation_needs_no_company(scheduler, databases, clock, jobs):
    clock.instant = EPOCH + timedelta(days=9_000, minutes=30)
    assert await scheduler(tidy).make_due() == 1
    (job,) = await jobs()
    assert (job["kind"], job["tenant"], job["company"]) == ("tidy", "", None)
    assert job["key"] == f"tidy.hourly@{(EPOCH + timedelta(days=9_000)).isoformat()}"


async def test_an_occurrence_long_done_and_removed_is_not_made_again(
    scheduler, zones, databases, clock, jobs
):
    await scheduler(digest).make_due()
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET state = 'done', finished_at = now() - interval '8 days'")
        assert await remove_ended(control) == 2
    assert await scheduler(digest).make_due() == 0
    assert await jobs() == []


async def test_ended_jobs_are_removed_after_a_week_and_failed_ones_after_a_month(databases, company):
    states = [("done", 6), ("done", 8), ("cancelled", 8), ("failed", 8), ("failed", 31), ("waiting", None)]
    async with databases.control() as control:
        for state, days in states:
            await control.fetch(
                "INSERT INTO work.job (id, tenant, kind, state, finished_at)"
                " VALUES (gen_random_uuid(), '', $1, $2, now() - $3::int * interval '1 day')",
                f"{state} {days}",
                state,
                days,
            )
        assert await remove_ended(control) == 3
        left = await control.fetch("SELECT kind FROM work.job ORDER BY kind")
    assert [row["kind"] for row in left] == ["done 6", "failed 8", "waiting None"]


@pytest.mark.requirement("T10")
async def test_schedulers_whose_own_clocks_are_wrong_make_each_occurrence_once_and_none_early(
    databases, company, jobs, monkeypatch
):
    """They go by the database's clock, so it does not matter what theirs say."""

    @recurring("minutely", every=timedelta(minutes=1))
    @recurring("tomorrow", at=(datetime.now(UTC) + timedelta(hours=2)).time().replace(microsecond=0))
    @handler("tick")
    async def tick(job):
        pass

    monkeypatch.setattr(SystemClock, "now", lambda _self: datetime.now(UTC) + timedelta(hours=3))
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET created_at = now() - interval '9 days'")
    schedulers = [Scheduler(databases=databases, rules=tick.rules) for _ in range(3)]
    for _ in range(3):
        await asyncio.gather(*(each.make_due() for each in schedulers))
    async with databases.control_read() as read:
        due = await read.fetch("SELECT key, payload FROM work.job WHERE kind = 'tick'")
        now = await read.fetchval("SELECT now()")
    instants = [datetime.fromisoformat(row["key"].partition("@")[2]) for row in due]
    assert max(instants) <= now
    assert len({row["key"] for row in due}) == len(due)
    assert 2 <= len(due) <= 3  # a minute may have begun between two looks
