"""What is due of owned products: a warranty that ends. Maintenance is a follow-up of its own (P5)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

# An occasion and no duty: told for a month before, then no more.
WARRANTY_ENDS: Final = due_source(
    DueSource(
        name="warranty.ends",
        record="owned_product",
        reason=msg("the warranty of {subject} ends"),
        rule=msg("A warranty that ends is an occasion to talk"),
        escalates=False,
        select="""
SELECT c.owner_id, o.id, o.customer_id, o.warranty_until,
       to_jsonb(COALESCE(p.name, o.model) || COALESCE(' ' || o.serial_number, '')), NULL::jsonb, 5
FROM owned_product o JOIN customer c ON c.id = o.customer_id LEFT JOIN product p ON p.id = o.product_id
WHERE o.warranty_until BETWEEN $1::date AND $1::date + 30 AND o.retired_on IS NULL AND o.archived_at IS NULL
""",
    )
)
