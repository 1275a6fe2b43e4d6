"""Two versions of a rule side by side, as far as the reader may see them."""

from __future__ import annotations

from uuid import UUID

import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.reading import Lookup, Select, Viewer, read_lookup
from kedang_tenants.rules.differences import Difference, differences


class DifferentRules(BadUserInput):
    """The two are versions of different rules."""


async def compare(read: TenantRead, viewer: Viewer, *, before: UUID, after: UUID) -> list[Difference]:
    """What the second version says otherwise than the first. Raises NotFound, DifferentRules."""
    shown = await read_lookup(
        read, viewer, Lookup("rule_version", (before, after), Select(("kind", "content")))
    )
    at, kind, content = shown.layout.id, *(shown.layout.fields[name] for name in ("kind", "content"))
    found = {row[at]: row for row in shown.page.rows}
    for name, version in (("from", before), ("to", after)):
        if version not in found or found[version][content] is None:
            raise NotFound(msg("There is no such record."), path=(name,))
    if found[before][kind] != found[after][kind]:
        raise DifferentRules(msg("These are versions of different rules."), path=("to",))
    return differences(orjson.loads(found[before][content]), orjson.loads(found[after][content]))
