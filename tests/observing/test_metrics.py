"""The instruments of a process: labels from closed sets, and gauges of the work that waits."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kedang_platform.observing import metrics
from kedang_platform.observing.security import EVENTS
from kedang_platform.work import NewJob, Registry, RunningJob, enqueue, handler
from kedang_platform.work.channels import CHANNELS
from kedang_platform.work.runner import Outcome
from kedang_platform.work.standing import NO_CHANNEL, tell_standing
from kedang_workers import handlers
from tests.support.workers import ROOT, run_jobs

pytestmark = pytest.mark.requirement("O3")


def figures():
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


CLOSED = {
    "kind": {*handlers.load().handlers, "test_done", metrics.UNKNOWN},
    "channel": {*CHANNELS, NO_CHANNEL},
    "priority": {"urgent", "normal", "later"},
    "event": set(EVENTS),
    "state": {"queued", "running"},
    "part": {"relay", "limits"},
    "step": {"invited", "reminded"},
}


async def test_tries_are_counted_by_kind_and_outcome_and_no_other_value_becomes_a_label(databases, company):
    @handler("test_done", channel="mail")
    async def done(job: RunningJob) -> None:
        async with job.finish():
            pass

    before = figures()
    async with databases.tenant_write(company.ref) as write:
        await enqueue(write, NewJob("test_done"), NewJob("test_done", priority=5))
        await enqueue(write, *(NewJob(f"invented.{number}") for number in range(20)))
    await run_jobs(databases, registry=Registry.of(done))
    after = figures()

    def grown(*key):
        return after.get(key, 0) - before.get(key, 0)

    assert grown("kedang_jobs_total", ("kind", "test_done"), ("outcome", "done")) == 2
    assert grown("kedang_jobs_total", ("kind", metrics.UNKNOWN), ("outcome", "again")) == 20
    assert grown("kedang_job_try_seconds_count", ("kind", "test_done")) == 2
    assert grown("kedang_job_wait_seconds_count", ("channel", "mail"), ("priority", "normal")) == 1
    assert grown("kedang_job_wait_seconds_count", ("channel", "mail"), ("priority", "later")) == 1
    assert grown("kedang_job_wait_seconds_count", ("channel", "none"), ("priority", "normal")) == 20
    for _, *labels in after.keys() - before.keys():  # other tests of this process have kinds of their own
        for label, value in labels:
            assert value in CLOSED.get(label, {value}), (label, value)
    outcomes = {dict(key[1:])["outcome"] for key in after if key[0] == "kedang_jobs_total"}
    assert outcomes <= {one.value for one in Outcome}


async def test_the_relay_tells_what_waits_and_for_how_long(databases, company):
    now = datetime.now(UTC)
    async with databases.tenant_write(company.ref) as write:
        await enqueue(write, *(NewJob("mail.send", due_at=now - timedelta(seconds=age)) for age in (90, 5)))
        await enqueue(write, NewJob("other", priority=-3), NewJob("other", due_at=now + timedelta(hours=1)))
        await write.fetch("UPDATE work.job SET state = 'queued' WHERE priority = -3")
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET created_at = $1", now - timedelta(seconds=60))
    async with databases.control_read() as read:
        await tell_standing(read, channels={"mail.send": "mail"}, now=now)
    told = figures()

    def gauge(name, channel, priority):
        return told[name, ("channel", channel), ("priority", priority)]

    assert gauge("kedang_jobs_waiting", "mail", "normal") == 2
    assert gauge("kedang_jobs_waiting", "none", "normal") == 1
    # It was asked for a minute ago, so it has not waited longer than that.
    assert gauge("kedang_jobs_oldest_due_seconds", "mail", "normal") == pytest.approx(60, abs=1)
    assert gauge("kedang_jobs_oldest_due_seconds", "none", "normal") == 0
    assert told["kedang_jobs_in_flight", ("state", "queued")] == 1
    assert told[("kedang_jobs_dead",)] == 0


def test_the_guide_names_every_instrument():
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = {family.name for family in text_string_to_metric_families(metrics.text().decode())}
    assert len(named) > 20
    ours = {name for name in named if name.startswith("kedang_") and not name.endswith("_created")}
    assert {name for name in ours if name not in guide} == set()
