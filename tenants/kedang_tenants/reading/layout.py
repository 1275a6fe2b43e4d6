"""Where each wanted value stands in the rows that come back: a statement has one flat row per record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kedang_tenants.catalogue import RecordType

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Layout:
    """The positions of one record's values in a row; ``one`` holds those of its to-one relations.

    ``id`` is NOWHERE where nobody asked for it. A to-one relation whose ``id`` value is None is empty, or
    is not for this viewer to see.
    """

    record: RecordType
    id: int
    fields: Mapping[str, int]
    one: Mapping[str, Layout]
    keys: tuple[int, ...] = ()
