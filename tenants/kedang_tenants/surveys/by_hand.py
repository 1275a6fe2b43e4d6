"""Surveys that somebody sends to customers or contacts chosen one by one, now or at a time (V3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Compare, Scope, Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.surveys.audience import CONTACT, CUSTOMER, Audience
from kedang_tenants.surveys.models import BY_HAND
from kedang_tenants.surveys.sending import Started, ensure_active, start_sending

INVITE: Final = "surveys.invite"
"""The kind of job that releases before sendings asked for; it is still answered."""
MOST: Final = 10_000
"""Customers and contacts of one request."""


async def invite_to_survey(
    write: TenantWrite,
    viewer: Viewer,
    *,
    questionnaire_id: UUID,
    customer_ids: Sequence[UUID] = (),
    contact_ids: Sequence[UUID] = (),
    send_at: datetime | None = None,
    kind: str = BY_HAND,
    name: str | None = None,
    clock: Clock,
) -> Started:
    """Have these customers (by their first contact with an address) and contacts invited.

    Raises Forbidden, NotFound, QuestionnaireInactive, QuestionnaireInternal, and Refused with every customer and
    contact whom the viewer may not invite.
    """
    if viewer.on("survey_invitation").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    await ensure_active(write, questionnaire_id)
    _ensure_bounded(customer_ids, contact_ids)
    faults = [
        *await _unreached(write, viewer, CUSTOMER, customer_ids, "customerIds"),
        *await _unreached(write, viewer, CONTACT, contact_ids, "contactIds"),
    ]
    if faults:
        raise Refused(faults)
    return await start_sending(
        write,
        viewer,
        questionnaire_id=questionnaire_id,
        kind=kind,
        name=name,
        audience=chosen(customer_ids, contact_ids),
        send_at=send_at,
        clock=clock,
    )


def chosen(customer_ids: Sequence[UUID], contact_ids: Sequence[UUID]) -> list[Audience]:
    """These customers and contacts as an audience."""
    given = ((CUSTOMER, customer_ids), (CONTACT, contact_ids))
    return [Audience(record, Compare("id", "in", sorted(set(ids)))) for record, ids in given if ids]


def _ensure_bounded(customer_ids: Sequence[UUID], contact_ids: Sequence[UUID]) -> None:
    count = len(customer_ids) + len(contact_ids)
    path = ("input", "customerIds")
    if not count:
        raise Refused([UserError("REQUIRED", msg("Say whom to invite: customers or contacts."), path)])
    if count > MOST:
        message = msg("At most {limit} entries are allowed here.")
        raise Refused([UserError("TOO_MANY", message, path, {"limit": MOST})])


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
