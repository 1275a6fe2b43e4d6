"""What ``kedang jobs`` does. What a job is about is never shown: its payload names people and companies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from kedang_platform.clock import SystemClock
from kedang_platform.database import ControlRead, Databases
from kedang_platform.embedded import Echo
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry import overview_of
from kedang_platform.settings import Settings
from kedang_platform.work.keeping import MOST_REPLAYED, JobLine, LaneStanding, call_off, lanes, lines, replay
from kedang_workers.cli.reaching import reach

_INSTALLATION = "installation"


def show_lanes(settings: Settings, *, echo: Echo, as_json: bool) -> None:
    """Tell each lane in a line, the one whose work waits longest first, or as one JSON list."""

    async def work(databases: Databases) -> list[LaneStanding]:
        async with databases.control_read() as read:
            return await lanes(read, now=SystemClock().now())

    found = reach(settings, work)
    if as_json:
        print(json.dumps([_lane(each) for each in found]))
        return
    for each in found:
        echo(
            msg(
                "{lane}: oldest due {age}, {due} due of {waiting}, {queued} queued, {running} running, {failed} failed"
            ),
            lane=each.tenant or _INSTALLATION,
            age=_age(each.oldest),
            due=each.due,
            waiting=each.waiting,
            queued=each.queued,
            running=each.running,
            failed=each.failed,
        )


def show(
    settings: Settings,
    *,
    states: Sequence[str],
    company: str | None,
    kind: str | None,
    limit: int,
    echo: Echo,
    as_json: bool,
) -> None:
    """Tell the jobs in these states. Raises NotFound, CompanyAmbiguous."""

    async def work(databases: Databases) -> list[JobLine]:
        async with databases.control_read() as read:
            tenant = await _tenant(read, company)
            return await lines(read, states=states, tenant=tenant, kind=kind, limit=limit)

    found = reach(settings, work)
    if as_json:
        print(json.dumps([_line(each) for each in found]))
        return
    for each in found:
        echo(
            "{id}  {lane}  {kind}  {state}  {tries}  {age}  {error}",
            id=each.id,
            lane=each.tenant or _INSTALLATION,
            kind=each.kind,
            state=each.state,
            tries=each.tries,
            age=_age(each.age),
            error=" ".join(filter(None, (each.error_code, each.error_detail))),
        )


def begin_anew(
    settings: Settings,
    *,
    ids: Sequence[str],
    company: str | None,
    kind: str | None,
    every: bool,
    echo: Echo,
    as_json: bool,
) -> None:
    """Begin dead letters anew and tell how many. Raises BadUserInput where it is not said which."""
    if not (ids or company or kind or every):
        raise BadUserInput(msg("Say which: ids, --company, --kind or --all."))
    wanted = [_id(each) for each in ids] or None

    async def work(databases: Databases) -> list[UUID]:
        async with databases.control_read() as read:
            tenant = await _tenant(read, company)
        begun: list[UUID] = []
        while True:
            # Behind those before: one that fails again meanwhile is not begun without end.
            behind, now = (begun[-1] if begun else None), SystemClock().now()
            async with databases.control() as control:
                part = await replay(control, ids=wanted, tenant=tenant, kind=kind, behind=behind, now=now)
            begun += part
            if len(part) < MOST_REPLAYED:
                return begun

    begun = reach(settings, work)
    if as_json:
        print(json.dumps({"replayed": [str(each) for each in begun]}))
        return
    echo(msg("{count} dead letters begin anew."), count=len(begun))


def cancel(settings: Settings, *, job: str, echo: Echo, as_json: bool) -> None:
    """Call the job off. Raises NotFound."""
    job_id = _id(job)

    async def work(databases: Databases) -> bool:
        async with databases.control() as control:
            return await call_off(control, job_id)

    done = reach(settings, work)
    if as_json:
        print(json.dumps({"id": str(job_id), "cancelled": done}))
        return
    echo(msg("{id} is called off.") if done else msg("{id} had ended already."), id=job_id)


async def _tenant(read: ControlRead, company: str | None) -> str | None:
    if company is None:
        return None
    if company == _INSTALLATION:
        return ""
    return (await overview_of(read, name=company)).schema


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(msg("There is no such job.")) from None


def _lane(lane: LaneStanding) -> dict[str, object]:
    """The stable shape of a lane in JSON: see docs/operations.md."""
    return {
        "lane": lane.tenant or _INSTALLATION,
        "waiting": lane.waiting,
        "due": lane.due,
        "queued": lane.queued,
        "running": lane.running,
        "failed": lane.failed,
        "oldestSeconds": round(max(lane.oldest, 0.0), 3),
    }


def _line(line: JobLine) -> dict[str, object]:
    """The stable shape of a job in JSON: see docs/operations.md."""
    return {
        "id": str(line.id),
        "lane": line.tenant or _INSTALLATION,
        "kind": line.kind,
        "state": line.state,
        "priority": line.priority,
        "tries": line.tries,
        "ageSeconds": round(line.age, 3),
        "errorCode": line.error_code,
        "errorDetail": line.error_detail,
        "replays": line.replays,
    }


def _age(seconds: float) -> str:
    return str(timedelta(seconds=round(max(seconds, 0.0))))
