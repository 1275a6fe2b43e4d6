"""Reading for the judge what stands in the database and what the mail sink has noted."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg

from kedang_platform.database import CompanyRef, Databases
from kedang_tenants.changing.verifying import verify
from tests.faults.history import History
from tests.faults.judging import Arrived, CompanyRows, Entry, Evidence, Job, MailRow
from tests.faults.sink import REFUSED

_JOBS = """
SELECT id, kind, state, CASE WHEN isfinite(due_at) THEN due_at ELSE created_at END AS due_at, queued_at, lease_until,
       payload ->> 'transaction' AS transaction
FROM work.job"""


async def gather(
    url: str, databases: Databases, *, companies: Iterable[CompanyRef], history: History, sink: Path
) -> Evidence:
    """Everything as it stands now; ``url`` logs in as a superuser."""
    connection = await asyncpg.connect(url)
    try:
        rows = {company.schema: await _company(connection, databases, company) for company in companies}
        mails = await connection.fetch("SELECT recipient, message_id, state FROM platform.mail")
        jobs = await connection.fetch(_JOBS)
        now = await connection.fetchval("SELECT now()")
    finally:
        await connection.close()
    told = _lines(sink)
    recipients = {mail["recipient"] for mail in mails}
    return Evidence(
        history=history,
        arrived=[Arrived(**{name: line[name] for name in Arrived.__slots__}) for line in told],
        companies=rows,
        mails=[MailRow(**mail) for mail in mails],
        jobs=[Job(**dict(job) | {"id": job["id"].hex}) for job in jobs],
        now=now,
        failing=frozenset(each for each in recipients if each.endswith(REFUSED)),
    )


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def _company(connection: asyncpg.Connection, databases: Databases, company: CompanyRef) -> CompanyRows:
    async with databases.tenant_read(company) as read:
        verified = await verify(read)
    await connection.execute(f"SET search_path TO {company.schema}")
    customers = await connection.fetch("SELECT id, name, note, version FROM customer")
    lines = defaultdict(list)
    for line in await connection.fetch("SELECT id, order_id FROM order_line"):
        lines[line["order_id"]].append(line["id"].hex)
    orders = await connection.fetch("SELECT id, number FROM sales_order")
    audit = await connection.fetch(
        "SELECT sequence, transaction, record, record_id, action, changes FROM audit"
        " WHERE record IN ('customer', 'order', 'order_line')"
    )
    invitations = await connection.fetch("SELECT id, contact_id, recipient, state FROM survey_invitation")
    return CompanyRows(
        customers={row["id"].hex: (row["name"], row["note"], row["version"]) for row in customers},
        orders=[(row["number"], row["id"].hex, tuple(lines[row["id"]])) for row in orders],
        audit=[_entry(row) for row in audit],
        seals=None if verified.broken is None else str(verified.broken),
        invitations=[
            (row["id"].hex, row["contact_id"].hex, row["recipient"], row["state"]) for row in invitations
        ],
    )


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        sequence=row["sequence"],
        transaction=row["transaction"].hex,
        record=row["record"],
        record_id=row["record_id"].hex,
        action=row["action"].rpartition(".")[2],
        changes=json.loads(row["changes"]),
    )
