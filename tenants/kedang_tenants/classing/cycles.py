"""How often a customer's classes ask for a contact (F1, G4)."""

from __future__ import annotations

from typing import Final

CYCLE_SQL: Final = """
(SELECT min(cc.cycle_days) FROM classified_customer k JOIN customer_class cc ON cc.id = k.class_id
 WHERE k.customer_id = c.id AND k.archived_at IS NULL)
"""
"""The shortest cycle in days of the classes that the customer ``c`` is in; NULL where none of them asks for one."""
