"""What is told of a change: which record and which fields, nothing of what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

_CHANNEL: Final = "kedang:live:"


class LiveUnavailable(KedangError):
    """Valkey cannot be reached, so nobody can be told of changes at the moment."""

    passing = True


def unavailable() -> LiveUnavailable:
    return LiveUnavailable(msg("Live updates are not available at the moment."))


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One row of the audit trail without its values: ``changed`` names the fields of the record that differ."""

    record: str
    id: UUID
    action: str
    sequence: int
    at: datetime
    changed: tuple[str, ...]


def channel_of(company_id: UUID) -> str:
    """Where a company's events are told. Channels are the same in all logical databases of a Valkey."""
    return _CHANNEL + company_id.hex


def company_in(channel: bytes) -> UUID:
    return UUID(hex=channel.decode().removeprefix(_CHANNEL))


def written(events: Sequence[LiveEvent]) -> bytes:
    """Events as one message."""
    return orjson.dumps([[e.record, e.id.hex, e.action, e.sequence, e.at, e.changed] for e in events])


def read(message: bytes) -> list[LiveEvent]:
    """The events in a message of this release; of a later one, those parts that this one knows."""
    return [
        LiveEvent(record, UUID(hex=found), action, sequence, datetime.fromisoformat(at), tuple(changed))
        for record, found, action, sequence, at, changed, *_ in orjson.loads(message)
    ]
