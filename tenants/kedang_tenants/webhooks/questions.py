"""What a webhook tells beside the event: the answer to its query, for the record that the event is of.

The gateway compiles the query when it is given. What is stored knows nothing of GraphQL: for each kind of
record the keys of the answer and what stands behind them, read with the rights that the owner has then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.reading import Listing, Lookup, MaskedField, Scope, Select, Viewer, read_lookup
from kedang_tenants.reading.kept import listing_in_full
from kedang_tenants.reading.masks import Mask, mask_of, visible_scope
from kedang_tenants.reading.planner import plan_listing, plan_lookup
from kedang_tenants.reading.showing import RowShower, masked_in
from kedang_tenants.reading.shown import Shown, decode_shown, encode_shown, select_of
from kedang_tenants.webhooks.models import record_of

MOST_RECORDS: Final = 500
"""Records that the lists of one answer may hold together."""
MOST_LISTS: Final = 20
LARGEST_ANSWER: Final = 256 * 1024
"""Bytes of an answer; one that is larger is left out, which is told."""
_FORM: Final = 1
_NOBODY: Final = UUID(int=0)


class InvalidWebhookQuery(KedangError):
    """The query is not one record by the variable ``$id``, or no query of this API at all."""


class EventNotOfQuery(KedangError):
    """The query asks for one kind of record, and an event is of another."""


class UnanswerableQuery(KedangError):
    """What was made of the query cannot be read any more: a field of it has gone, or is out of the owner's reach."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is shown, under ``key``, of a record of each kind; ``only`` names the kind where it can be but one."""

    key: str
    shown: Mapping[str, tuple[Shown, ...]]
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The answer and where something in it is masked; ``error`` says why there is none though there should be."""

    payload: dict[str, Any] | None = None
    masked: tuple[str, ...] = ()
    error: str | None = None


def encode_question(question: Question) -> str:
    """The question as JSON that ``decode_question`` reads."""
    shown = {record: [encode_shown(one) for one in keys] for record, keys in question.shown.items()}
    return orjson.dumps({"form": _FORM, "key": question.key, "only": question.only, "shown": shown}).decode()


def decode_question(stored: str) -> Question:
    """Raises UnanswerableQuery for what another release has stored and this one does not understand."""
    try:
        told = orjson.loads(stored)
        if told["form"] != _FORM:
            raise ValueError(told["form"])
        shown = {record: tuple(decode_shown(one) for one in keys) for record, keys in told["shown"].items()}
        return Question(told["key"], shown, told["only"])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _unanswerable() from error


def ensure_events_fit(question: Question, events: Iterable[str], *, path: tuple[str, ...]) -> None:
    """Raise EventNotOfQuery where the query can only be asked of another kind of record."""
    for event in events:
        if question.only is not None and record_of(event) != question.only:
            raise EventNotOfQuery(
                msg("“{event}” is not an event of the record that the query asks for."),
                path=path,
                event=event,
            )


def ensure_open(viewer: Viewer, question: Question) -> None:
    """Raise MaskedField for what the viewer never sees; at the time of telling it would be null."""
    for record, shown in question.shown.items():
        _ensure_open(viewer, catalogue().record(record), shown)


async def ensure_readable(read: TenantRead, viewer: Viewer, question: Question) -> None:
    """Raise now what reading would: masked fields in filters, filters that mean nothing, cursors of another order."""
    for record, shown in question.shown.items():
        await _plan(read, viewer, record, shown)


async def answer(
    read: TenantRead, viewer: Viewer, question: Question, *, record: RecordType, record_id: UUID
) -> Told:
    """What the API would answer this viewer at this moment.

    Raises UnanswerableQuery; nothing but what this question asks is then to blame.
    """
    shown = question.shown.get(record.name)
    if shown is None:
        return Told()
    try:
        await _plan(read, viewer, record.name, shown)
    except (KedangError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _unanswerable() from error
    found = await read_lookup(read, viewer, Lookup(record.name, (record_id,), select_of(shown)))
    shower = RowShower(viewer, shown, found.layout, found.children)
    one = [shower.show(row) for row in found.page.rows]
    payload = {question.key: one[0] if one else None}
    if len(orjson.dumps(payload)) > LARGEST_ANSWER:
        return Told(error="PAYLOAD_TOO_LARGE")
    return Told(payload, tuple(sorted(masked_in(viewer, record, shown, question.key))))


async def _plan(read: TenantRead, viewer: Viewer, record: str, shown: Sequence[Shown]) -> None:
    select = select_of(shown)
    plan_lookup(viewer, Lookup(record, (_NOBODY,), select))
    for listing in _listings(select):
        plan_listing(viewer, await listing_in_full(read, viewer, listing), [])


def _listings(select: Select) -> Iterable[Listing]:
    """The lists at and below a selection, whichever relations lead to them."""
    for _, listing in select.many:
        yield listing
        yield from _listings(listing.select)
    for _, inner in select.one:
        yield from _listings(inner)


def _ensure_open(viewer: Viewer, record: RecordType, shown: Iterable[Shown]) -> None:
    if visible_scope(viewer, record) is Scope.NONE:
        raise MaskedField(msg("You may not see “{field}”."), field=record.api_name)
    for one in shown:
        match one.what:
            case "field":
                field = record.fields[one.name]
                if mask_of(viewer, record, field) is Mask.CLOSED:
                    raise MaskedField(msg("You may not see “{field}”."), field=field.api_name)
            case "own":
                if mask_of(viewer, record, record.fields["custom"]) is Mask.CLOSED:
                    raise MaskedField(msg("You may not see “{field}”."), field="custom")
            case "one":
                target = catalogue().record(record.relations[one.name].target)
                _ensure_open(viewer, target, one.inner)
            case "list":
                assert one.listing is not None
                _ensure_open(viewer, catalogue().record(one.listing.record), one.inner)
            case "nodes" | "edges" | "node":
                _ensure_open(viewer, record, one.inner)


def _unanswerable() -> UnanswerableQuery:
    return UnanswerableQuery(msg("This query can no longer be answered. Please give another one."))
