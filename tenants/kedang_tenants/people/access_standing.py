"""The access rules that are in force: compiled once a version, and remembered, since a version in force never changes."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import orjson

from kedang_platform.database import TenantRead
from kedang_tenants.people.access_rules import DEFAULT_RULES, KIND, AccessRules, rules_of

_CONTENT = "SELECT content FROM rule_version WHERE id = $1"
_IN_FORCE = "SELECT id FROM rule_version WHERE kind = $1 AND state = 'IN_FORCE'"
_MOST_REMEMBERED: Final = 1_000


class _Remembered:
    """Rules by the id of their version, those that were asked for the longest ago going first."""

    def __init__(self) -> None:
        self._known: dict[UUID, AccessRules] = {}

    async def of(self, read: TenantRead, version_id: UUID) -> AccessRules:
        known = self._known.pop(version_id, None)
        if known is None:
            known = rules_of(orjson.loads(await read.fetchval(_CONTENT, version_id)))
            while len(self._known) >= _MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
        self._known[version_id] = known
        return known


_REMEMBERED: Final = _Remembered()


async def rules_by_id(read: TenantRead, version_id: UUID | None) -> AccessRules:
    """The rules of a version that is or was in force; the product's default for None."""
    return DEFAULT_RULES if version_id is None else await _REMEMBERED.of(read, version_id)


async def rules_in_force(read: TenantRead) -> tuple[UUID | None, AccessRules]:
    """The company's access rules of this moment, with the id of their version; None and the default where it has none."""
    version_id = await read.fetchval(_IN_FORCE, KIND)
    return version_id, await rules_by_id(read, version_id)
