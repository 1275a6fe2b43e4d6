"""Surveys that somebody sends out: to an audience of one's choice, now or at a time; held, resumed, called off (V3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, KedangError, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, audit, change_internally
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.stored import encode_filter
from kedang_tenants.surveys.audience import Audience, count_audience
from kedang_tenants.surveys.models import BY_HAND, MYSTERY_VISIT
from kedang_tenants.surveys.sending_models import CANCELLED, PAUSED, RUNNING, SCHEDULED

SEND: Final = "surveys.send"
CANCEL: Final = "surveys.cancel_sending"
RECORD: Final = "survey_sending"
LATEST: Final = timedelta(days=365)
_SLOW_CLOCK: Final = timedelta(minutes=5)
_LONGEST_NAME: Final = 200


class QuestionnaireInactive(BadUserInput):
    """The questionnaire is not sent out: it has no published version, or has been put to rest."""


class QuestionnaireInternal(BadUserInput):
    """The questionnaire is filled in by members on mystery visits; no customer is ever asked by it."""


class SendingOver(KedangError):
    """The sending cannot be held, resumed or called off any more, or not in the state that it is in."""


@dataclass(frozen=True, slots=True)
class Started:
    """A sending, and the job that carries it out."""

    sending_id: UUID
    job_id: UUID


async def start_sending(
    write: TenantWrite,
    viewer: Viewer,
    *,
    questionnaire_id: UUID,
    kind: str,
    name: str | None,
    audience: Sequence[Audience],
    send_at: datetime | None,
    clock: Clock,
) -> Started:
    """Send a questionnaire to an audience that is found when it is sent, with the rights that the sender has then.

    Raises Forbidden, NotFound, QuestionnaireInactive, QuestionnaireInternal, what is wrong with a filter, and
    Refused for a time that is over or a year away, or a campaign without a name.
    """
    needed = ("survey_invitation",) if kind == BY_HAND else ("survey_invitation", RECORD)
    if any(viewer.on(record).create is Scope.NONE for record in needed):
        raise Forbidden(msg("You may not do this."))
    await ensure_active(write, questionnaire_id)
    _ensure_sound(kind, name, send_at, clock)
    for part in audience:
        await count_audience(write, viewer, part, most=1)
    sending_id = new_id()
    values = {
        "questionnaire_id": questionnaire_id,
        "kind": kind,
        "name": (name or "").strip() or None,
        "started_by_id": viewer.member_id,
        "send_at": max(send_at or clock.now(), clock.now()),
    }
    job_id = await _make(write, viewer, sending_id, values, audience, clock)
    sent_out: dict[str, object] = {"sending_id": sending_id.hex}
    await audit(write, viewer, [("questionnaire", "sent_out", questionnaire_id, sent_out)], clock=clock)
    return Started(sending_id, job_id)


async def take_over(
    write: TenantWrite,
    *,
    sending_id: UUID,
    questionnaire_id: UUID,
    audience: Sequence[Audience],
    send_at: datetime,
    viewer: Viewer,
    clock: Clock,
) -> None:
    """Make a sending of an audience whose inviting was allowed when it was asked for, if there is any of it."""
    known = await write.fetchval("SELECT TRUE FROM questionnaire WHERE id = $1", questionnaire_id)
    if not known or not any([await count_audience(write, viewer, part, most=1) for part in audience]):
        return
    values = {"questionnaire_id": questionnaire_id, "kind": BY_HAND, "send_at": send_at}
    await _make(write, viewer, sending_id, values, audience, clock)


async def _make(
    write: TenantWrite,
    viewer: Viewer,
    sending_id: UUID,
    values: Mapping[str, object],
    audience: Sequence[Audience],
    clock: Clock,
) -> UUID:
    """The row with what is hidden from everybody, and the job that carries it out."""
    await change_internally(write, viewer, [Change(RECORD, "create", sending_id, values=values)], clock=clock)
    stored = [{"record": part.record, "where": encode_filter(part.where)} for part in audience]
    # Who was chosen one by one is invited at once, the mail waits; a filter is asked when its time has come.
    begin = clock.now() if values["kind"] == BY_HAND else cast("datetime", values["send_at"])
    job_id = await _ask(write, sending_id, begin)
    await write.fetch(
        "UPDATE survey_sending SET audience = $2::jsonb, job_id = $3 WHERE id = $1",
        sending_id,
        orjson.dumps(stored).decode(),
        job_id,
    )
    return job_id


async def _ask(write: TenantWrite, sending_id: UUID, at: datetime, *, again: bool = False) -> UUID:
    (job_id,) = await enqueue(write, NewJob(SEND, {"sending": str(sending_id), "again": again}, due_at=at))
    return job_id


async def ensure_active(read: TenantRead, questionnaire_id: UUID) -> None:
    """Raises NotFound, QuestionnaireInactive or QuestionnaireInternal unless customers can be asked by it now."""
    row = await read.fetchrow(
        "SELECT active, trigger FROM questionnaire WHERE id = $1 AND archived_at IS NULL", questionnaire_id
    )
    path = ("input", "questionnaireId")
    if row is None:
        raise NotFound(msg("There is no such record."), path=path)
    if row["trigger"] == MYSTERY_VISIT:
        raise QuestionnaireInternal(
            msg("This questionnaire is for mystery visits; no customer is asked by it."), path=path
        )
    if not row["active"]:
        raise QuestionnaireInactive(msg("Publish and activate the questionnaire first."), path=path)


def _ensure_sound(kind: str, name: str | None, send_at: datetime | None, clock: Clock) -> None:
    now = clock.now()
    if kind != BY_HAND and not (name or "").strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "name"))])
    if name is not None and len(name) > _LONGEST_NAME:
        message = msg("At most {limit} characters are allowed here.")
        raise Refused([UserError("TOO_LONG", message, ("input", "name"), {"limit": _LONGEST_NAME})])
    if send_at is not None and not now - _SLOW_CLOCK <= send_at <= now + LATEST:
        message = msg("Invitations are sent now or within the next {days} days.")
        raise Refused([UserError("OUT_OF_RANGE", message, ("input", "sendAt"), {"days": LATEST.days})])


# --- Holding, resuming, calling off -----------------------------------------------------------------

# Everybody may be invited while most mails still wait for their time: such a sending is under way yet.
_LOCK = """
SELECT id, started_by_id, send_at, total, CASE WHEN state = 'DONE' AND EXISTS (
    SELECT 1 FROM survey_invitation i WHERE i.sending_id = s.id AND i.state = 'PENDING'
) THEN 'RUNNING' ELSE state END AS state
FROM survey_sending s WHERE id = $1 AND archived_at IS NULL FOR UPDATE
"""


async def pause_sending(write: TenantWrite, viewer: Viewer, *, sending_id: UUID, clock: Clock) -> None:
    """Hold a sending: nobody more is invited, and mails that have not been handed over wait.

    One that has invited everybody can be held as long as some of its mails wait for their time. Raises NotFound,
    also for somebody else's out of reach, and SendingOver.
    """
    await _held(write, viewer, sending_id, {SCHEDULED, RUNNING})
    await set_state(write, viewer, sending_id, {"state": PAUSED, "finished_at": None}, clock=clock)


async def resume_sending(write: TenantWrite, viewer: Viewer, *, sending_id: UUID, clock: Clock) -> None:
    """Let a sending that was held go on where it stopped. As ``pause_sending``."""
    row = await _held(write, viewer, sending_id, {PAUSED})
    begun = row["total"] is not None
    await set_state(write, viewer, sending_id, {"state": RUNNING if begun else SCHEDULED}, clock=clock)
    begin = clock.now() if begun else max(row["send_at"], clock.now())
    job_id = await _ask(write, sending_id, begin, again=True)
    await write.fetch("UPDATE survey_sending SET job_id = $2 WHERE id = $1", sending_id, job_id)


async def cancel_sending(write: TenantWrite, viewer: Viewer, *, sending_id: UUID, clock: Clock) -> None:
    """Call a sending off: nobody more is invited, and what has not left is not sent. As ``pause_sending``.

    Whoever has their invitation may still answer.
    """
    await _held(write, viewer, sending_id, {SCHEDULED, RUNNING, PAUSED})
    await end_sending(write, viewer, sending_id=sending_id, clock=clock)


async def end_sending(write: TenantWrite, viewer: Viewer, *, sending_id: UUID, clock: Clock) -> None:
    """Call a sending off whose calling off is allowed; one that is over stays as it is."""
    row = await write.fetchrow(_LOCK, sending_id)
    if row is None or row["state"] not in {SCHEDULED, RUNNING, PAUSED}:
        return
    values = {"state": CANCELLED, "finished_at": clock.now()}
    await set_state(write, viewer, sending_id, values, clock=clock)
    await enqueue(write, NewJob(CANCEL, {"sending": str(sending_id)}))


async def set_state(
    write: TenantWrite, viewer: Viewer, sending_id: UUID, values: dict[str, object], *, clock: Clock
) -> None:
    """Note what became of a sending, for its sender and whoever listens."""
    await change_internally(write, viewer, [Change(RECORD, "update", sending_id, values=values)], clock=clock)


async def _held(write: TenantWrite, viewer: Viewer, sending_id: UUID, states: set[str]) -> asyncpg.Record:
    """The sending, held; of those whom the viewer may send for."""
    row = await write.fetchrow(_LOCK, sending_id)
    if row is None or not viewer.reaches(viewer.on(RECORD).read, row["started_by_id"]):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if not viewer.reaches(viewer.on("survey_invitation").create, row["started_by_id"]):
        raise Forbidden(msg("You may not do this for others."), path=("input", "id"))
    if row["state"] not in states:
        raise SendingOver(
            msg("This is not possible in the state that the sending is in."), path=("input", "id")
        )
    return row


def audience_of(stored: str) -> list[Audience]:
    """The audience as it is stored."""
    return [Audience.stored(part) for part in orjson.loads(stored)]
