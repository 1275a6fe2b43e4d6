"""What is due of trade: notice before contracts end, demands to be decided, invoices to be paid (P2, P4)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source, of_owner_else_customers

# Told a week ahead, and until the contract is renewed, ended or terminated.
CONTRACT_ENDS: Final = due_source(
    DueSource(
        name="contract.ends",
        record="contract",
        reason=msg("last day for a notice: contract {subject}"),
        rule=msg("Contracts are renewed or given notice of by their last day for it"),
        select=of_owner_else_customers(
            """
SELECT {member}, k.id, k.customer_id, k.notice_on,
       to_jsonb(k.number || ' ' || k.title || ' (' || COALESCE(k.starts_on || ' ', '') || '– ' || k.ends_on || ')'),
       NULL::jsonb, 15
FROM contract k LEFT JOIN customer c ON c.id = k.customer_id
WHERE k.state = 'IN_FORCE' AND k.archived_at IS NULL AND k.notice_on <= $1::date + 7""",
            owner="k.owner_id",
        ),
    )
)

DEMAND_EXPECTED: Final = due_source(
    DueSource(
        name="demand.expected",
        record="demand",
        reason=msg("the customer was to decide: {subject}"),
        rule=msg("Demands are asked about from the day on which the customer was to decide"),
        select=of_owner_else_customers(
            """
SELECT {member}, d.id, d.customer_id, d.expected_on,
       to_jsonb(COALESCE(d.number || ' ', '') || d.title), NULL::jsonb, 15
FROM demand d LEFT JOIN customer c ON c.id = d.customer_id
WHERE d.state = 'OPEN' AND d.archived_at IS NULL AND d.expected_on <= $1::date""",
            owner="d.owner_id",
        ),
    )
)

# Finance sees what is open by its ageing; who knows the customer is told of it, and nobody above them.
INVOICE_OVERDUE: Final = due_source(
    DueSource(
        name="invoice.overdue",
        record="invoice",
        reason=msg("overdue invoice {subject}"),
        rule=msg("Arrears are called for from the day after an invoice was due"),
        escalates=False,
        select="""
SELECT c.owner_id, i.id, i.customer_id, i.due_on, to_jsonb(i.number), NULL::jsonb, 20
FROM invoice i JOIN customer c ON c.id = i.customer_id
WHERE i.open_amount > 0 AND i.archived_at IS NULL AND i.due_on < $1::date
""",
    )
)
