"""What is needed to enter a company's schema, and the check of its name."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from uuid import UUID

from kedang_platform.database.errors import WallError

_SCHEMA_NAME = re.compile(r"t_[a-z0-9]{8,40}")


@dataclass(frozen=True, slots=True)
class CompanyRef:
    """A company, the schema (and role) that holds what it owns, and the database that holds the schema."""

    id: UUID
    schema: str
    database: str = "main"


def checked_schema(name: object) -> str:
    """``name`` when it is the name of a company's schema; raises :class:`WallError` for anything else.

    Every name that is written into SQL passes here: nothing that passes can end a quoted identifier.
    """
    if isinstance(name, str) and _SCHEMA_NAME.fullmatch(name):
        return name
    raise WallError(f"not the name of a company's schema: {name!r}")


def new_schema_name() -> str:
    """An opaque name that tells nothing of the company: ``t_`` and 80 random bits in base32."""
    return "t_" + base64.b32encode(os.urandom(10)).decode().lower()
