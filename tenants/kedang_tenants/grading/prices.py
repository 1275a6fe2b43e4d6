"""Prices by grade (P1, G1): a price step holds for the customers of a level, or for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import ReferenceKind, contribute, field, relation
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.grading.models import GradeLevel
from kedang_tenants.reading import Viewer
from kedang_tenants.trade.prices import PriceStep

_LEVEL: Mapped[UUID | None] = field(
    ReferenceKind("grade_level"),
    label=msg("Grade"),
    references="grade_level.id",
    description="Whose price it is; everybody's where none is said",
)
_GRADE: Mapped[GradeLevel | None] = relation(
    "GradeLevel", label=msg("Grade"), foreign_key="PriceStep.grade_level_id"
)
contribute(PriceStep, "grade_level_id", _LEVEL)
contribute(PriceStep, "grade", _GRADE)
_steps = PriceStep.__table__.c
Index("ix_price_step_product_id_from_quantity", _steps.product_id, _steps.from_quantity, _steps.id)
Index("ix_price_step_grade_level_id", _steps.grade_level_id)

_TAKEN: Final = """
SELECT product_id, from_quantity, grade_level_id FROM price_step
WHERE archived_at IS NULL AND product_id = ANY($1::uuid[]) AND id <> ALL($2::uuid[])
"""


@prepares("price_step")
async def guard_price_steps(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """One price for a product, a quantity and a grade, so that none stands there without effect."""
    products = sorted({draft.now("product_id") for draft in drafts}, key=str)
    await write.fetch(
        "SELECT id FROM product WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", products
    )
    rows = await write.fetch(_TAKEN, products, [draft.id for draft in drafts])
    taken: set[tuple[object, ...]] = {tuple(row) for row in rows}
    for draft in drafts:
        if draft.now("archived_at") is not None:
            continue
        step = (draft.now("product_id"), draft.now("from_quantity"), draft.now("grade_level_id"))
        if step in taken:
            draft.refuse(
                "from_quantity", "ALREADY_EXISTS", msg("There is a price from this quantity on already.")
            )
        taken.add(step)
