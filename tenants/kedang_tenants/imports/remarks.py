"""What was wrong with rows: kept with the step that found it, at the end made into files for people.

The file of rejected rows has the columns of the imported file, so that it can be corrected and
imported again as it is; beside them stand the row's number, the codes and the reasons.
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import translate
from kedang_tenants.imports.mapping import Layout
from kedang_tenants.imports.neutral import as_written
from kedang_tenants.imports.rows import ImportRow, Remark
from kedang_tenants.imports.targets import REPORT_HEADINGS

Verdict = Literal["REJECTED", "WARNING"]
VERDICTS: tuple[Verdict, ...] = ("REJECTED", "WARNING")
_PAGE = 2_000

_KEEP = """
INSERT INTO import_remark (import_id, line, verdict, cells, remarks)
SELECT $1, line, verdict, cells, remarks
FROM unnest($2::int[], $3::text[], $4::jsonb[], $5::jsonb[]) AS found (line, verdict, cells, remarks)
"""
_READ = """
SELECT line, cells, remarks FROM import_remark
WHERE import_id = $1 AND verdict = $2 AND line > $3 ORDER BY line LIMIT $4
"""


async def keep(write: TenantWrite, import_id: UUID, layout: Layout, rows: Sequence[ImportRow]) -> None:
    """Keep what is to be told of rows, in the transaction that dealt with them."""
    told = [row for row in rows if row.errors or row.warnings]
    if not told:
        return
    await write.fetch(
        _KEEP,
        import_id,
        [row.line for row in told],
        ["REJECTED" if row.rejected else "WARNING" for row in told],
        [orjson.dumps(list(row.cells)).decode() for row in told],
        [
            orjson.dumps([_plain(remark, layout) for remark in row.errors or row.warnings]).decode()
            for row in told
        ],
    )


def _plain(remark: Remark, layout: Layout) -> dict[str, object]:
    error, slot = remark.error, remark.slot
    column = layout.column_of(slot) if slot is not None else None
    return {
        "column": column,
        "label": layout.label_of(slot) if slot is not None and column is None else None,
        "code": error.code,
        "message": error.message,
        "params": {
            name: value if isinstance(value, int) else str(value) for name, value in error.params.items()
        },
    }


async def forget(write: TenantWrite, import_id: UUID) -> None:
    """The files are made; the rows they were made of are no longer needed."""
    await write.fetch("DELETE FROM import_remark WHERE import_id = $1", import_id)


async def write_file(
    read: TenantRead, path: Path, *, import_id: UUID, verdict: Verdict, columns: Sequence[str], language: str
) -> int:
    """Write the remarks of one verdict as CSV (UTF-8 with its mark, for spreadsheets); returns the number of rows."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        number, code, reason = (translate(heading, language) for heading in REPORT_HEADINGS)
        writer.writerow([number, *map(as_written, columns), code, reason])
        async for row in _read(read, import_id, verdict):
            told = orjson.loads(row["remarks"])
            cells = [as_written(cell) for cell in _padded(orjson.loads(row["cells"]), len(columns))]
            codes = "; ".join(dict.fromkeys(remark["code"] for remark in told))
            reasons = "; ".join(_reason(remark, language) for remark in told)
            writer.writerow([row["line"], *cells, codes, as_written(reasons)])
            count += 1
    return count


async def _read(read: TenantRead, import_id: UUID, verdict: Verdict) -> AsyncIterator[asyncpg.Record]:
    line = 0
    while rows := await read.fetch(_READ, import_id, verdict, line, _PAGE):
        for row in rows:
            yield row
        line = rows[-1]["line"]


def _padded(cells: list[str], width: int) -> list[str]:
    return cells[:width] + [""] * (width - len(cells))


def _reason(remark: Mapping[str, Any], language: str) -> str:
    text = translate(remark["message"], language, remark["params"])
    about = remark["column"] or (remark.get("label") and translate(remark["label"], language))
    return f"{about}: {text}" if about else text
