"""What became of each imported line: kept with the step that dealt with it, at the end made into a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import orjson

from kedang_platform.database import CompanyRef, Databases, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import translate
from kedang_tenants.bulk.inputs import Line
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing import Changed

_KEEP = "INSERT INTO bulk_result (operation_id, line, content) VALUES ($1, $2, $3)"
_READ = """
SELECT line, content FROM bulk_result WHERE operation_id = $1 AND line > $2 ORDER BY line LIMIT 10
"""


def told_of(record: RecordType, line: Line, changed: Changed | None, language: str) -> dict[str, Any]:
    """``{"line": n, "id": …}``, or ``{"line": n, "userErrors": [{path, message, code}]}``."""
    if changed is not None:
        return {"line": line.number, "id": f"{record.prefix}_{changed.id.hex}"}
    return {"line": line.number, "userErrors": [_error(error, language) for error in line.errors]}


def _error(error: UserError, language: str) -> dict[str, Any]:
    return {
        "path": [str(step) for step in error.path],
        "message": translate(error.message, language, error.params),
        "code": error.code,
    }


async def keep(write: TenantWrite, operation_id: UUID, told: Sequence[dict[str, Any]]) -> None:
    """Keep what is told of some lines, in the transaction that dealt with them."""
    if told:
        content = b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in told)
        await write.fetch(_KEEP, operation_id, told[0]["line"], content.decode())


async def forget(write: TenantWrite, operation_id: UUID) -> None:
    """The file is made; what it was made of is no longer needed."""
    await write.fetch("DELETE FROM bulk_result WHERE operation_id = $1", operation_id)


async def pieces(databases: Databases, company: CompanyRef, operation_id: UUID) -> AsyncIterator[bytes]:
    """The whole file, piece by piece."""
    line = 0
    while True:
        async with databases.tenant_read(company) as read:
            rows = await read.fetch(_READ, operation_id, line)
        if not rows:
            return
        for row in rows:
            yield row["content"].encode()
        line = rows[-1]["line"]
