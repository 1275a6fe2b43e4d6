"""Surveys that somebody sends out: to customers or contacts of one's choice, now or at a time (V3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import audit
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.surveys.dispatch import CHUNK, Invited, Invitee, asking, invite

INVITE: Final = "surveys.invite"
MOST: Final = 10_000
"""Customers and contacts of one request."""
_LATEST: Final = timedelta(days=365)
_SLOW_CLOCK: Final = timedelta(minutes=5)


class QuestionnaireInactive(BadUserInput):
    """The questionnaire is not sent out: it has no published version, or has been put to rest."""


async def invite_to_survey(
    write: TenantWrite,
    viewer: Viewer,
    *,
    questionnaire_id: UUID,
    customer_ids: Sequence[UUID] = (),
    contact_ids: Sequence[UUID] = (),
    send_at: datetime | None = None,
    clock: Clock,
) -> UUID:
    """Have these customers (by their first contact with an address) and contacts invited; the job's id.

    Raises Forbidden, NotFound, QuestionnaireInactive, and Refused with every customer and contact
    whom the viewer may not invite.
    """
    if viewer.on("survey_invitation").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    await _ensure_active(write, questionnaire_id)
    _ensure_bounded(customer_ids, contact_ids, send_at, clock)
    faults = [
        *await _unreached(write, viewer, "customer", customer_ids, "customerIds"),
        *await _unreached(write, viewer, "contact", contact_ids, "contactIds"),
    ]
    if faults:
        raise Refused(faults)
    payload = {
        "questionnaire": str(questionnaire_id),
        "customers": [str(each) for each in sorted(set(customer_ids))],
        "contacts": [str(each) for each in sorted(set(contact_ids))],
        "send_at": send_at.isoformat() if send_at else None,
    }
    (job_id,) = await enqueue(write, NewJob(INVITE, payload))
    sent_out: dict[str, object] = {"customers": len(customer_ids), "contacts": len(contact_ids)}
    await audit(write, viewer, [("questionnaire", "sent_out", questionnaire_id, sent_out)], clock=clock)
    return job_id


async def _ensure_active(write: TenantWrite, questionnaire_id: UUID) -> None:
    active = await write.fetchval(
        "SELECT active FROM questionnaire WHERE id = $1 AND archived_at IS NULL", questionnaire_id
    )
    if active is None:
        raise NotFound(msg("There is no such record."), path=("input", "questionnaireId"))
    if not active:
        raise QuestionnaireInactive(
            msg("Publish and activate the questionnaire first."), path=("input", "questionnaireId")
        )


def _ensure_bounded(
    customer_ids: Sequence[UUID], contact_ids: Sequence[UUID], send_at: datetime | None, clock: Clock
) -> None:
    count, now = len(customer_ids) + len(contact_ids), clock.now()
    if not count:
        path = ("input", "customerIds")
        raise Refused([UserError("REQUIRED", msg("Say whom to invite: customers or contacts."), path)])
    if count > MOST:
        message = msg("At most {limit} entries are allowed here.")
        raise Refused([UserError("TOO_MANY", message, ("input", "customerIds"), {"limit": MOST})])
    if send_at is not None and not now - _SLOW_CLOCK <= send_at <= now + _LATEST:
        message = msg("Invitations are sent now or within the next {days} days.")
        raise Refused([UserError("OUT_OF_RANGE", message, ("input", "sendAt"), {"days": _LATEST.days})])


async def _unreached(
    read: TenantRead, viewer: Viewer, name: str, ids: Sequence[UUID], argument: str
) -> Iterator[UserError]:
    """Those of the records that the viewer does not see, or may not invite."""
    statement = Statement()
    record = catalogue().record(name)
    where = f"t.id = ANY({statement.bind(list(ids))}::uuid[]) AND t.archived_at IS NULL"
    seen = visible(statement, viewer, record, "t")
    may = owned(statement, viewer, record, "t", viewer.on("survey_invitation").create, writing=True)
    sql = (
        f"SELECT t.id, {may or 'TRUE'} AS may FROM {quoted(record.table.name)} t"
        f" WHERE {where}{' AND ' + seen if seen else ''}"
    )
    found = {row["id"]: row["may"] for row in await read.fetch(sql, *statement.values)} if ids else {}
    return _faults(ids, found, argument)


def _faults(ids: Sequence[UUID], found: dict[UUID, bool], argument: str) -> Iterator[UserError]:
    for place, each in enumerate(ids):
        path = ("input", argument, place)
        if each not in found:
            yield UserError("NOT_FOUND", msg("There is no such record."), path)
        elif not found[each]:
            yield UserError("FORBIDDEN", msg("You may not do this for others."), path)


_CONTACTS = """
SELECT id, customer_id FROM contact WHERE id = ANY($1::uuid[]) AND archived_at IS NULL
"""
_CUSTOMERS = "SELECT id FROM customer WHERE id = ANY($1::uuid[]) AND archived_at IS NULL"


async def invite_part(
    write: TenantWrite,
    viewer: Viewer,
    *,
    questionnaire_id: UUID,
    customers: Sequence[UUID],
    contacts: Sequence[UUID],
    occasion: str,
    send_at: datetime | None,
    after: UUID | None,
    secret: SecretKey,
    clock: Clock,
) -> Part:
    """Invite the next ``CHUNK`` of them behind the id ``after``; repeating it invites nobody twice.

    A questionnaire that has been put to rest meanwhile invites nobody.
    """
    coming = sorted(each for each in (*customers, *contacts) if after is None or each > after)[:CHUNK]
    invitees = await _invitees(write, coming, occasion)
    invited = Invited()
    for asked in await asking(write, questionnaire_id=questionnaire_id, trigger=None):
        due_at = max(send_at or clock.now(), clock.now())
        invited += await invite(write, viewer, asked, invitees, secret=secret, due_at=due_at, clock=clock)
    last = coming[-1] if len(coming) == CHUNK else None
    return Part(last=last, seen=len(coming), changed=invited.mailed, left_out=invited.skipped)


async def _invitees(read: TenantRead, ids: Sequence[UUID], occasion: str) -> list[Invitee]:
    customers = [
        Invitee(row["id"], occasion=f"{occasion}:{row['id'].hex}")
        for row in await read.fetch(_CUSTOMERS, ids)
    ]
    contacts = [
        Invitee(row["customer_id"], f"{occasion}:{row['id'].hex}", contact_id=row["id"], only=True)
        for row in await read.fetch(_CONTACTS, ids)
    ]
    return customers + contacts
