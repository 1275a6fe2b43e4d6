"""People as they are shown to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kedang_platform.database import ControlRead
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry import Company
from kedang_platform.registry.company import columns_of, company_from

_COLUMNS = columns_of("c")


@dataclass(frozen=True, slots=True)
class PersonInfo:
    id: UUID
    email: str
    name: str
    language: str


async def find_person(read: ControlRead, *, person_id: UUID) -> PersonInfo:
    """Raises NotFound."""
    row = await read.fetchrow(
        "SELECT id, email, name, language FROM platform.person WHERE id = $1", person_id
    )
    if row is None:
        raise NotFound(msg("There is no such person."))
    return PersonInfo(**row)


async def companies_of(read: ControlRead, *, person_id: UUID) -> list[Company]:
    """The companies that the person can sign in to, by name."""
    rows = await read.fetch(
        f"""SELECT {_COLUMNS} FROM platform.company c JOIN platform.membership m ON m.company_id = c.id
            WHERE m.person_id = $1 AND m.state = 'active' AND c.status = 'active' ORDER BY c.name, c.id""",
        person_id,
    )
    return [company_from(row) for row in rows]
