"""What is due of contracts: notice before they end, or saying what became of them (P4)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

# Told a week ahead, and until the contract is renewed, ended or terminated.
CONTRACT_ENDS: Final = due_source(
    DueSource(
        name="contract.ends",
        record="contract",
        reason=msg("last day for a notice: contract {subject}"),
        select="""
SELECT COALESCE(k.owner_id, c.owner_id), k.id, k.customer_id, k.notice_on,
       to_jsonb(k.number || ' ' || k.title || ' (' || COALESCE(k.starts_on || ' ', '') || '– ' || k.ends_on || ')'),
       NULL::jsonb, 15
FROM contract k JOIN customer c ON c.id = k.customer_id
WHERE k.state = 'IN_FORCE' AND k.archived_at IS NULL AND k.notice_on <= $1::date + 7
""",
    )
)
