"""What the installation keeps of a person outside of the company: mails, jobs, and a former member's account (T7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, ControlTransaction
from kedang_platform.database.metadata import platform_metadata
from kedang_platform.identity.openid import tables as _openid_tables  # noqa: F401 - of an account, too
from kedang_platform.mail import Mailer
from kedang_tenants.protection.scrubbing import MARK, Scrubber, pattern_of
from kedang_tenants.protection.sweeping import Task

# A mail belongs to the company whose schema its key names; others write to the same address, too.
_MAILS: Final = """
SELECT id, key, recipient, subject, text, html, error FROM platform.mail
WHERE (strpos(key, $1) > 0 OR lower(recipient) = ANY($3::text[]))
  AND concat_ws(' ', recipient, subject, text, html, error) ~* $2
FOR UPDATE
"""
_KEEP_MAIL: Final = """
UPDATE platform.mail SET recipient = $2, subject = $3, text = '', html = '', unsubscribe = NULL, error = NULL,
    state = CASE WHEN state IN ('queued', 'sending') AND $4 THEN 'withheld' ELSE state END
WHERE id = $1
"""
_CLEAN_MAIL: Final = "UPDATE platform.mail SET subject = $2, text = $3, html = $4, error = $5 WHERE id = $1"
_JOBS: Final = """
SELECT id, payload, checkpoint, result, error_params, error_detail, error_message FROM work.job
WHERE tenant = $1 AND id <> $3
  AND concat_ws(' ', payload, checkpoint, result, error_params, error_detail, error_message) ~* $2
FOR UPDATE
"""
_CLEAN_JOB: Final = """
UPDATE work.job SET payload = $2::text::jsonb, checkpoint = $3::text::jsonb, result = $4::text::jsonb,
    error_params = $5::text::jsonb, error_detail = $6, error_message = $7
WHERE id = $1
"""


async def clean_mails(
    control: ControlTransaction, mailer: Mailer, company: CompanyRef, task: Task, *, alone: Sequence[str] = ()
) -> int:
    """Take the persons out of the company's mails; those to them are emptied, and withheld if they still wait.

    ``alone`` are addresses that belong to no other company: all mails to them count as the company's.
    """
    known = task.sought
    pattern = pattern_of([*known.reaches, *known.names])
    if pattern is None:
        return 0
    scrubber = Scrubber([*known.reaches, *known.names])
    addresses = {value.lower() for value in known.reaches}
    rows = await control.fetch(_MAILS, company.schema, pattern, [each.lower() for each in alone])
    for row in rows:
        await _forget(mailer, row["key"])
        subject = scrubber.text(row["subject"])
        if row["recipient"].lower() in addresses:
            await control.fetch(_KEEP_MAIL, row["id"], MARK, subject, True)
        else:
            error = scrubber.text(row["error"]) if row["error"] else None
            texts = [scrubber.text(row[name]) for name in ("text", "html")]
            await control.fetch(_CLEAN_MAIL, row["id"], subject, *texts, error)
    return len(rows)


async def _forget(mailer: Mailer, key: str) -> None:
    """Delete the mail where the adapter keeps one."""
    forget = getattr(mailer, "forget", None)
    if forget is not None:
        await forget(key)


async def clean_jobs(control: ControlTransaction, company: CompanyRef, task: Task, *, but: UUID) -> int:
    """Take the persons out of what the company's jobs keep, but for the one that does this."""
    known = task.sought
    pattern = pattern_of([*known.reaches, *known.names])
    if pattern is None:
        return 0
    scrubber = Scrubber([*known.reaches, *known.names])
    rows = await control.fetch(_JOBS, company.schema, pattern, but)
    for row in rows:
        documents = [
            orjson.dumps(scrubber.value(orjson.loads(row[name]))).decode() if row[name] is not None else None
            for name in ("payload", "checkpoint", "result", "error_params")
        ]
        texts = [
            scrubber.text(row[name]) if row[name] else None for name in ("error_detail", "error_message")
        ]
        await control.fetch(_CLEAN_JOB, row["id"], *documents, *texts)
    return len(rows)


_ACCOUNT: Final = """
SELECT p.id, p.email, (SELECT count(*) FROM platform.membership other WHERE other.person_id = p.id) AS companies
FROM platform.membership m JOIN platform.person p ON p.id = m.person_id
WHERE m.company_id = $1 AND m.member_id = $2
FOR UPDATE OF p
"""
_EMPTY_ACCOUNT: Final = """
UPDATE platform.person SET email = $2, name = $3, password_hash = NULL, confirmed_at = NULL WHERE id = $1
"""
_KEPT_OF_ACCOUNT: Final = frozenset({"platform.membership"})


def tables_of_account() -> list[str]:
    """Every table of the installation whose rows are a person's own, but for the membership, which is the company's too."""
    return sorted(
        table.fullname
        for table in platform_metadata.tables.values()
        if table.fullname not in _KEPT_OF_ACCOUNT
        and any(key.target_fullname == "platform.person.id" for key in table.foreign_keys)
    )


async def account_of(control: ControlTransaction, company: CompanyRef, member_id: UUID) -> str | None:
    """The address of a member's account, where it serves for this company alone; None otherwise."""
    row = await control.fetchrow(_ACCOUNT, company.id, member_id)
    return str(row["email"]) if row is not None and row["companies"] == 1 else None


async def empty_account(
    control: ControlTransaction, company: CompanyRef, member_id: UUID, *, name: str, clock: Clock
) -> None:
    """Take away what the installation keeps of a former member.

    An account that serves for another company as well stays that person's own; this company's keys and
    invitations go in any case.
    """
    await control.fetch(
        "UPDATE platform.api_key SET name = $3, revoked_at = coalesce(revoked_at, $4)"
        " WHERE company_id = $1 AND member_id = $2",
        company.id,
        member_id,
        MARK,
        clock.now(),
    )
    row = await control.fetchrow(_ACCOUNT, company.id, member_id)
    if row is None:
        return
    await control.fetch(
        "DELETE FROM platform.one_time_token WHERE company_id = $1 AND (person_id = $2 OR lower(email) = $3)",
        company.id,
        row["id"],
        row["email"],
    )
    await control.fetch(
        "DELETE FROM platform.session WHERE company_id = $1 AND person_id = $2", company.id, row["id"]
    )
    if row["companies"] > 1:
        return
    for table in tables_of_account():
        await control.fetch(f"DELETE FROM {table} WHERE person_id = $1", row["id"])
    await control.fetch("DELETE FROM platform.one_time_token WHERE lower(email) = $1", row["email"])
    await control.fetch(_EMPTY_ACCOUNT, row["id"], f"{row['id'].hex}@erased.invalid", name)
