"""Columns that follow from others: search tokens, people's order, the international form of a number."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.phones import read_phone
from kedang_platform.search_text import name_sort, normal_form, tokens
from kedang_tenants.catalogue import Field
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.reading import Viewer


def derive(viewer: Viewer, draft: Draft) -> None:
    """Set every derived column whose source the draft sets."""
    for field in draft.record.deriving:
        if field.spec.derives is not None and {field.name, "country"} & draft.values.keys():
            _derive_phone(viewer, draft, field.name, field.spec.derives)
        if field.spec.sort_key is not None and field.name in draft.values:
            draft.values[field.spec.sort_key] = name_sort(str(draft.values[field.name] or ""))
    sources = draft.record.searched
    if draft.record.searchable and any(field.name in draft.values for field in sources):
        text = _searched(draft, sources)
        draft.values["search_text"] = text
        draft.values["search_tokens"] = tokens(text)


def _searched(draft: Draft, sources: Sequence[Field]) -> str:
    """The searched fields in normal form: those that go with the name on the first line, the others below."""
    names = _joined(draft, [field for field in sources if field.spec.name_level])
    others = _joined(draft, [field for field in sources if not field.spec.name_level])
    return f"{names}\n{others}" if others else names


def _joined(draft: Draft, sources: Sequence[Field]) -> str:
    names = sorted(field.name for field in sources)
    return normal_form(" ".join(str(draft.now(name)) for name in names if draft.now(name)))


def _derive_phone(viewer: Viewer, draft: Draft, source: str, prefix: str) -> None:
    text = draft.now(source)
    country = str(draft.now("country") or viewer.country)
    phone = read_phone(str(text), country) if text else None
    draft.values[f"{prefix}_e164"] = phone.e164 if phone else None
    draft.values[f"{prefix}_reversed"] = phone.digits_reversed if phone else None
