"""The letter of a scheduled report: no figures, and links that serve one member for a few days.

A link is worked out from the run, so a letter that is sent again carries the same one. It needs no
sign-in and gives the one file, as long as the member it was made for is an active one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.database import TenantRead
from kedang_platform.errors import NotFound
from kedang_platform.files import LinkExpired, LinkInvalid
from kedang_platform.i18n import msg, translate
from kedang_platform.mail import Letter, Line, Outgoing
from kedang_platform.registry import Company
from kedang_platform.secrets import SecretKey
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.files import FileContent, stored_content
from kedang_tenants.reports.models import CSV, DONE, PDF, REPORTS, XLSX

MAIL: Final = "reports.mail"
GOOD_FOR: Final = timedelta(days=7)
"""How long the links of a letter serve."""
_PURPOSE: Final = "report-download"
_FIELDS: Final = struct.Struct(">16s16sBQ")
_MAC_BYTES: Final = 32
_LONGEST: Final = 200
_FORMATS: Final = (XLSX, PDF, CSV)


@dataclass(frozen=True, slots=True)
class ReportGrant:
    """What a link gives: the file of one format of one run."""

    company_id: UUID
    run_id: UUID
    file_format: str


def sign_link(secret: SecretKey, grant: ReportGrant, *, expires_at: datetime) -> str:
    """The token of a link (HMAC-SHA256), good until ``expires_at``."""
    payload = _FIELDS.pack(
        grant.company_id.bytes,
        grant.run_id.bytes,
        _FORMATS.index(grant.file_format),
        int(expires_at.timestamp()),
    )
    return base64.urlsafe_b64encode(secret.mac(_PURPOSE, payload) + payload).rstrip(b"=").decode()


def read_link(secret: SecretKey, token: str, *, now: datetime) -> ReportGrant:
    """What a token grants; raises LinkInvalid or LinkExpired."""
    signed = _decoded(token)
    code, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
    if len(payload) != _FIELDS.size or not hmac.compare_digest(code, secret.mac(_PURPOSE, payload)):
        raise _invalid()
    company, run, file_format, expires = _FIELDS.unpack(payload)
    if now >= datetime.fromtimestamp(expires, UTC):
        raise LinkExpired(msg("This link has expired. Please ask for a new one."))
    return ReportGrant(UUID(bytes=company), UUID(bytes=run), _FORMATS[file_format])


def _decoded(token: str) -> bytes:
    if len(token) > _LONGEST or not token.isascii():
        raise _invalid()
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise _invalid() from error


def _invalid() -> LinkInvalid:
    return LinkInvalid(msg("This link is not valid."))


_FILE: Final = """
SELECT CASE $2 WHEN 'XLSX' THEN r.xlsx_id WHEN 'PDF' THEN r.pdf_id ELSE r.csv_id END
FROM report_run r JOIN member m ON m.id = r.asked_by_id
WHERE r.id = $1 AND r.state = 'DONE' AND r.archived_at IS NULL AND m.state = 'ACTIVE' AND m.archived_at IS NULL
"""


async def linked_file(read: TenantRead, grant: ReportGrant) -> FileContent:
    """The file that a link gives; raises NotFound when it has expired or its member has left."""
    file_id = await read.fetchval(_FILE, grant.run_id, grant.file_format)
    if file_id is None:
        raise NotFound(msg("There is no such record."))
    return await stored_content(read, file_id=file_id)


_RUN: Final = """
SELECT r.id, r.kind, r.state, r.starts_on, r.ends_on, r.formats, r.finished_at, r.expires_at, r.scheduled_for,
       m.name, m.email, m.language, d.name AS definition
FROM report_run r JOIN member m ON m.id = r.asked_by_id LEFT JOIN report_definition d ON d.id = r.definition_id
WHERE r.id = $1 AND r.archived_at IS NULL AND m.state = 'ACTIVE' AND m.archived_at IS NULL
"""


async def letter_of(
    read: TenantRead, company: Company, *, run_id: UUID, secret: SecretKey, base_url: str
) -> Outgoing | None:
    """The letter of a scheduled run to whom it was made for; None where there is nothing to be sent."""
    row = await read.fetchrow(_RUN, run_id)
    if row is None or row["state"] != DONE or row["scheduled_for"] is None:
        return None
    language = language_of(row["language"])
    report = translate(next(one.label for one in REPORTS if one.code == row["kind"]), language)
    expires_at = min(row["finished_at"] + GOOD_FOR, row["expires_at"])

    def line(file_format: str) -> Line:
        token = sign_link(secret, ReportGrant(company.id, run_id, file_format), expires_at=expires_at)
        return Line(file_format, f"{base_url}/reports/{token}")

    letter = Letter(
        subject=msg("{definition}: {first} to {last}"),
        paragraphs=(
            msg(
                "Hello {name}, the report “{report}” for {first} to {last} was made for you, with your own rights."
            ),
        ),
        params={
            "name": row["name"],
            "definition": row["definition"] or report,
            "report": report,
            "first": row["starts_on"].isoformat(),
            "last": row["ends_on"].isoformat(),
            "until": expires_at.astimezone(ZoneInfo(company.time_zone)).strftime("%Y-%m-%d %H:%M"),
        },
        lines=tuple(line(one) for one in _FORMATS if one in row["formats"]),
        closing=(msg("The links need no sign-in and serve until {until}: please do not pass them on."),),
    )
    key = f"report:{company.ref.schema}:{run_id}"
    return Outgoing(letter, row["email"], language, key=key, company=company.ref, kind="report")
