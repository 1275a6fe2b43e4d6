"""What the installation knows of a company."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Literal
from uuid import UUID

import asyncpg

from kedang_platform.database import CompanyRef

CompanyStatus = Literal["opening", "active", "suspended", "deleting"]


@dataclass(frozen=True, slots=True)
class Company:
    """A company as the installation knows it; what it owns lies in its own schema, see ``ref``.

    ``time_zone`` is an IANA name, ``currency`` an ISO 4217 code, ``country`` an ISO 3166-1 alpha-2
    code; ``revision`` is the one its schema stands at. ``handle`` stands for it in links that its
    customers get: 65 random bits, never changed.
    """

    ref: CompanyRef
    name: str
    status: CompanyStatus
    country: str
    language: str
    time_zone: str
    currency: str
    revision: str
    created_at: datetime
    handle: str

    @property
    def id(self) -> UUID:
        return self.ref.id


@dataclass(frozen=True, slots=True)
class NewCompany:
    """What a company says of itself when it signs up."""

    name: str
    country: str
    language: str
    time_zone: str
    currency: str


COLUMNS = (
    "id, name, schema_name, database, status, country, language, time_zone, currency, revision, created_at,"
    " handle"
)
_HANDLE_LETTERS = 13


def columns_of(alias: str) -> str:
    """``COLUMNS`` in a statement that calls the table ``alias``; read back by ``company_from``."""
    return ", ".join(f"{alias}.{column}" for column in COLUMNS.split(", "))


def company_from(row: asyncpg.Record) -> Company:
    return Company(
        ref=CompanyRef(row["id"], row["schema_name"], row["database"]),
        name=row["name"],
        status=row["status"],
        country=row["country"],
        language=row["language"],
        time_zone=row["time_zone"],
        currency=row["currency"],
        revision=row["revision"],
        created_at=row["created_at"],
        handle=row["handle"],
    )


def new_handle() -> str:
    """A handle for a new company: 13 letters and digits of base32 (RFC 4648), lower case."""
    return b32encode(token_bytes(9)).decode().lower()[:_HANDLE_LETTERS]
