"""Forms by kind of customer (F3): own fields of a record that are asked of the customers of one class alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.changing.checking import refuse_custom
from kedang_tenants.reading import Viewer

_CLASSES: Final = """
SELECT k.customer_id, k.class_id FROM classified_customer k
JOIN customer_class cc ON cc.id = k.class_id AND cc.archived_at IS NULL
WHERE k.customer_id = ANY($1::uuid[]) AND k.archived_at IS NULL
"""
_with_forms: set[str] = set()


def forms_by_class(record: str) -> None:
    """Let the own fields of a record with a ``customer_id`` be asked of the customers of a class alone.

    Such a field is filled in for these only, and must be where it is required. What stands there stays when the
    customer leaves the class.
    """
    _with_forms.add(record)
    prepares(record)(guard_forms)


async def guard_forms(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """What is filled in is on the form of the customer's classes, and what must be filled in there is."""
    fields = [one for one in viewer.custom_fields if drafts and one.record == drafts[0].record.name]
    asked = [one for one in fields if one.of_class is not None]
    written = [draft for draft in drafts if draft.action in {"create", "update"}]
    if not asked or not written:
        return
    classes = await _classes(write, {cast("UUID", draft.now("customer_id")) for draft in written})
    for draft in written:
        theirs = classes[cast("UUID", draft.now("customer_id"))]
        for one in asked:
            _guard(draft, one, on_form=one.of_class in theirs)


async def _classes(read: TenantRead, customer_ids: set[UUID]) -> Mapping[UUID, set[str]]:
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in await read.fetch(_CLASSES, sorted(customer_ids)):
        found[row["customer_id"]].add(row["class_id"].hex)
    return found


def _guard(draft: Draft, one: CustomField, *, on_form: bool) -> None:
    before = cast("Mapping[str, object]", (draft.old or {}).get("custom") or {}).get(one.id)
    now = cast("Mapping[str, object]", draft.now("custom") or {}).get(one.id)
    touched = draft.action == "create" or one.key in draft.change.custom
    if not on_form and now is not None and now != before:
        refuse_custom(
            draft, one.key, "NOT_ON_THIS_FORM", msg("This is on the form of customers of another class.")
        )
    elif on_form and one.required and touched and now is None:
        refuse_custom(draft, one.key, "REQUIRED", msg("This must be filled in."))


@prepares("custom_field")
async def guard_definitions(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """Only records that have such forms take fields of a class."""
    for draft in drafts:
        chosen = draft.values.get("customer_class_id")
        if chosen is not None and draft.now("record") not in _with_forms:
            known = ", ".join(sorted(_with_forms))
            message = msg("Only these records have forms by class of customer: {known}.")
            draft.refuse("customer_class_id", "NO_FORMS_HERE", message, known=known)
