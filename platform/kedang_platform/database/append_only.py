"""Tables of ``platform`` that tell what was: the product adds to them, and changes and deletes nothing.

The role that the product works with lacks the rights to; only migrations, as the owner of the tables, could.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

APPEND_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "invoice_number": ("last",),
    "invoice": ("paid_at", "credited_at", "overdue_at"),
    "invoice_line": (),
    "invoice_document": ("content_id", "size", "sha256", "made_at"),
    "payment": (),
    "payment_step": (),
    "allocation": (),
    "plan_version": (),
    "seat_history": (),
}
"""The columns that may be changed all the same, by table."""


def restrictions(role: str) -> Iterator[str]:
    """Statements that take the rest from ``role``, each of them where the table is there and it still has it."""
    for table, columns in APPEND_ONLY.items():
        name = f"platform.{table}"
        changeable = f" GRANT UPDATE ({', '.join(columns)}) ON {name} TO {role};" if columns else ""
        yield (
            f"DO $$ BEGIN IF has_table_privilege('{role}', to_regclass('{name}'), 'DELETE') THEN"
            f" REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {role};{changeable} END IF; END $$"
        )
